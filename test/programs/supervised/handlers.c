/*
 * Handler objects: refused contexts, instances, changes of the PC and the stack pointer, threads, signals, fork. The
 * handlers and most of their callers are in handler.c, which the tests of the library's trampolines use, too.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <ucontext.h>
#include "check.h"

typedef void handler(struct trampfd_saved *saved, void *trampoline);
typedef int64_t sum(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t, int64_t);
extern handler sum_arguments, redirect, next_of_chain, add_one, add_thousand, look_at_stack, keep_registers;
extern uint64_t redirect_to, chain[16];
long wrong_in_threads(uintptr_t trampoline, int threads, long rounds);
int call_from_signal(uintptr_t trampoline);
int64_t sum_step_by_step(uintptr_t trampoline);
long signals_seen(void);

static int make_handlers(uint32_t count)
{
    struct trampfd_handler data = {0, count};
    int fd = trampfd_create(TRAMPFD_HANDLER, &data, 0);
    CHECK(fd >= 0);
    return fd;
}

static int set(int fd, uint32_t instance, handler *to)
{
    struct trampfd_reg pc = {TRAMPFD_REG_PC, 0, (uintptr_t)to};
    return trampfd_set_regs_at(fd, instance, &pc, 1);
}

static uint64_t invoke(uintptr_t address, uint64_t argument)
{
    return ((uint64_t(*)(uint64_t))address)(argument);
}

/* A trampoline for one handler. */
static uintptr_t trampoline_for(handler *to)
{
    int fd = make_handlers(1);
    CHECK(set(fd, 0, to) == 0);
    uintptr_t address = map(fd);
    close(fd);
    return address;
}

static void refusals(void)
{
    struct trampfd_handler data = {TRAMPFD_SLOW, 1};
    REFUSED(trampfd_create(TRAMPFD_HANDLER, &data, 0), EINVAL);
    data.flags = 2;
    REFUSED(trampfd_create(TRAMPFD_HANDLER, &data, 0), EINVAL);
    data = (struct trampfd_handler){0, TRAMPFD_MAX_COUNT + 1};
    REFUSED(trampfd_create(TRAMPFD_HANDLER, &data, 0), EINVAL);

    int fd = make_handlers(0);
    uintptr_t address = map(fd);
    CHECK(set(fd, 0, add_one) == 0 && invoke(address, 5) == 6);
    REFUSED(set(fd, 1, add_one), EINVAL);

    /* None of these changes it. */
    const struct trampfd_reg regs[] = {{TRAMPFD_REG_PC, 0, (uintptr_t)add_thousand}, {TRAMPFD_REG_ARG0, 0, 1}};
    struct trampfd_reg seen[2];
    REFUSED(trampfd_set_regs(fd, regs, 2), EINVAL);
    REFUSED(trampfd_set_regs(fd, regs + 1, 1), EINVAL);
    CHECK(trampfd_get_regs(fd, seen, 2) == 1 && seen[0].value == (uintptr_t)add_one && invoke(address, 5) == 6);

    struct trampfd_stack stack = {0};
    const uint64_t range[] = {1, 2};
    REFUSED(trampfd_set_stack(fd, &stack), EINVAL);
    REFUSED(trampfd_get_stack(fd, &stack), EINVAL);
    REFUSED(trampfd_set_allowed_callers(fd, range, 2), EINVAL);

    /* Allowed PCs work as for other objects. */
    const uint64_t pcs[] = {(uintptr_t)add_thousand, (uintptr_t)sum_arguments};
    CHECK(trampfd_set_allowed_pcs(fd, pcs, 2) == 0 && invoke(address, 5) == 6);
    REFUSED(set(fd, 0, add_one), EINVAL);
    CHECK(set(fd, 0, add_thousand) == 0 && invoke(address, 5) == 1005);
    close(fd);
    CHECK(trampfd_unmap(make_handlers(1), address) == 0);
}

static void give_address(struct trampfd_saved *saved, void *trampoline)
{
    saved->rax = (uintptr_t)trampoline;
}

static void instances(uint32_t count)
{
    int fd = make_handlers(count);
    struct trampfd_map m;
    CHECK(trampfd_get_map(fd, &m) == 0 && m.size >= m.ioffset + count * m.stride);
    const uintptr_t bases[] = {map(fd), map(fd)};
    for (uint32_t i = 0; i < count; i++)
        CHECK(set(fd, i, i % 3 == 0 ? add_one : i % 3 == 1 ? add_thousand : give_address) == 0);
    for (uint32_t i = 0; i < count; i++) {
        for (int mapping = 0; mapping < 2; mapping++) {
            const uintptr_t address = bases[mapping] + i * m.stride;
            CHECK(invoke(address, i) == (i % 3 == 0 ? i + 1 : i % 3 == 1 ? i + 1000 : address));
        }
    }
    close(fd);
}

/* Every register has an offset in the block, by the name that contexts use. */
static uint64_t *places[TRAMPFD_X64_RIP + 1];
static uint64_t saved_at;

static void find_places(struct trampfd_saved *saved, void *trampoline)
{
    (void)trampoline;
    saved_at = (uintptr_t)saved;
    for (uint32_t name = TRAMPFD_X64_RAX; name <= TRAMPFD_X64_RIP; name++)
        places[name] = trampfd_saved_reg(saved, name);
    CHECK(places[TRAMPFD_REG_ARG0] == &saved->rdi && places[TRAMPFD_REG_ARG5] == &saved->r9);
    CHECK(places[TRAMPFD_X64_RAX] == &saved->rax && places[TRAMPFD_X64_R15] == &saved->r15);
    CHECK(places[TRAMPFD_REG_PC] == &saved->pc && saved->rdi == 123);
}

static int64_t weigh(int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g, int64_t h, int64_t i, int64_t j)
{
    return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i + 10 * j;
}

/* Returns to the caller of keep_registers, with all registers that it saved. */
static struct trampfd_saved kept;
static void keep(struct trampfd_saved *saved, void *trampoline)
{
    (void)trampoline;
    kept = *saved;
    kept.rax = 1;
    saved->rax = 0;
}

static void go_back(struct trampfd_saved *saved, void *trampoline)
{
    (void)trampoline;
    *saved = kept;
}

__attribute__((noinline)) static void deeper(int levels, uintptr_t back)
{
    volatile char frame[256];
    memset((void *)frame, levels, sizeof frame);
    if (levels > 0)
        deeper(levels - 1, back);
    else
        invoke(back, 0);
    frame[0] = frame[1];
}

static int return_twice(uintptr_t keeper, uintptr_t back)
{
    volatile int returns = 0;
    int again = (int)invoke(keeper, 0);
    returns++;
    if (!again)
        deeper(20, back);
    return returns;
}

static void calls(void)
{
    invoke(trampoline_for(find_places), 123);
    CHECK(saved_at % 16 == 0);

    uintptr_t summing = trampoline_for(sum_arguments);
    CHECK(((sum *)summing)(1, 20, 300, 4000, 50000, 600000, 7000000, 80000000, 900000000, 1000000000) == 1987654321);
    /* The PC: jumps to another function, with the same arguments and caller. */
    redirect_to = (uintptr_t)weigh;
    CHECK(((sum *)trampoline_for(redirect))(1, 2, 3, 4, 5, 6, 7, 8, 9, 10) == 385);
    /* The stack pointer, and all registers: a second return. */
    CHECK(return_twice(trampoline_for(keep), trampoline_for(go_back)) == 2);
    /* Nested. */
    for (int i = 0; i < 10; i++)
        chain[i] = trampoline_for(next_of_chain);
    CHECK(invoke(chain[0], 100) == 109 + 9);

    CHECK(call_from_signal(trampoline_for(look_at_stack)) == 117);
    CHECK(sum_step_by_step(summing) == 1987654321 && signals_seen() > 100);
    CHECK(wrong_in_threads(summing, 4, 20000) == 0);
}

static uintptr_t changing;
static atomic_int done;

static void *invoke_until_done(void *unused)
{
    uint64_t wrong = 0, i = 0;
    (void)unused;
    for (; !atomic_load(&done); i++) {
        const uint64_t result = invoke(changing, i);
        wrong += result != i + 1 && result != i + 1000;
    }
    CHECK(i > 0);
    return (void *)wrong;
}

static void changes(void)
{
    pthread_t threads[2];
    int fd = make_handlers(2); /* the second is changed */
    struct trampfd_map m;
    CHECK(trampfd_get_map(fd, &m) == 0 && set(fd, 1, add_one) == 0);
    changing = map(fd) + m.stride;
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, invoke_until_done, NULL) == 0);
    for (int i = 0; i < 3000; i++)
        CHECK(set(fd, 1, i % 2 ? add_one : add_thousand) == 0);
    atomic_store(&done, 1);
    for (int i = 0; i < 2; i++) {
        void *wrong;
        CHECK(pthread_join(threads[i], &wrong) == 0 && wrong == NULL);
    }
    close(fd);
}

static void children(void)
{
    int fd = make_handlers(1), status;
    uintptr_t address = map(fd);
    CHECK(set(fd, 0, add_one) == 0);
    pid_t child = fork();
    if (child == 0) {
        CHECK(invoke(address, 1) == 2 && set(fd, 0, add_thousand) == 0);
        CHECK(invoke(address, 1) == 1001 && invoke(map(fd), 1) == 1001);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(invoke(address, 1) == 1001);
    close(fd);
}

/* Exits with the signal if the PC is in the expected range, else with 0. */
static uintptr_t expected_start, expected_end;
static void on_signal(int signal, siginfo_t *info, void *context)
{
    const uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    (void)info;
    _exit(pc >= expected_start && pc < expected_end ? signal : 0);
}

static int signal_at(uintptr_t address, uintptr_t end)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
        sigaction(SIGTRAP, &action, NULL);
        sigaction(SIGSEGV, &action, NULL);
        expected_start = address;
        expected_end = end;
        invoke(address, 0);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void ends(void)
{
    int fd = make_handlers(2);
    struct trampfd_map m;
    CHECK(trampfd_get_map(fd, &m) == 0);
    uintptr_t address = map(fd);
    CHECK(signal_at(address + m.stride, address + 2 * m.stride) == SIGTRAP);
    CHECK(set(fd, 1, add_one) == 0 && invoke(address + m.stride, 1) == 2);
    CHECK(trampfd_set_regs_at(fd, 1, NULL, 0) == 0);
    CHECK(signal_at(address + m.stride, address + 2 * m.stride) == SIGTRAP);
    CHECK(trampfd_unmap(fd, address) == 0);
    CHECK(signal_at(address, address + 1) == SIGSEGV);
    close(fd);
}

int main(void)
{
    refusals();
    instances(1);
    instances(1000);
    calls();
    changes();
    children();
    ends();
    return success();
}
