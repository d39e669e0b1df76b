/* Handlers that leave by another way than return, and callers that look whether everything is as it was. */
#include "saved-registers.h"
#include <csetjmp>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdexcept>
#include <string>
#include <ucontext.h>
#include <unwind.h>

using entry = long(long);

static int destroyed;
struct Guard { ~Guard() { destroyed++; } };

static jmp_buf back;
static void *frames[64];
static int frame_count;
static void *common_part;
static entry *next;

/* Registers that functions must keep: the unwinder has to find them where the trampoline put them. */
static inline void spoil_kept()
{
#if defined(__x86_64__)
    __asm__ volatile("mov $-1, %%rbx; mov %%rbx, %%r12; mov %%rbx, %%r13; mov %%rbx, %%r14; mov %%rbx, %%r15" ::
                         : "rbx", "r12", "r13", "r14", "r15");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, #-1; mov x20, x19; mov x21, x19; mov x22, x19; mov x23, x19; mov x24, x19\n"
                     "mov x25, x19; mov x26, x19; mov x27, x19; mov x28, x19" ::
                         : "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28");
#endif
}

extern "C" {

int guards_destroyed_here() { return destroyed; }

/* Handlers. */

void throw_argument(saved_registers *saved, void *)
{
    Guard guard;
    spoil_kept();
    throw std::runtime_error(std::to_string(saved->ARG0));
}

void jump_with_argument(saved_registers *saved, void *) { longjmp(back, static_cast<int>(saved->ARG0)); }

void exit_with_argument(saved_registers *saved, void *)
{
    Guard guard;
    spoil_kept();
    pthread_exit(reinterpret_cast<void *>(saved->ARG0));
}

void look_back(saved_registers *saved, void *)
{
    frame_count = backtrace(frames, 64);
    common_part = __builtin_return_address(0);
    saved->RESULT = saved->ARG0;
    spoil_kept();
}

void give_back(saved_registers *saved, void *)
{
    saved->RESULT = saved->ARG0;
    spoil_kept();
}

/* Calls the next trampoline, catches nothing. */
void call_next(saved_registers *saved, void *)
{
    Guard guard;
    saved->RESULT = next(static_cast<long>(saved->ARG0));
}

/* An exception continues from the block as the handler changed it: in the caller of the caller, skip_me. */
static uint64_t caller_stack; /* its stack pointer behind the call of skip_me */
void leave_caller_out(saved_registers *saved, void *)
{
#if defined(__x86_64__)
    uint64_t &frame_pointer = saved->rbp;
#elif defined(__aarch64__)
    uint64_t &frame_pointer = saved->x[29];
#endif
    uint64_t *frame = reinterpret_cast<uint64_t *>(frame_pointer);
    saved->sp = caller_stack;
    saved->pc = frame[1];
    frame_pointer = frame[0];
    frame[1] = 0; /* the return address is not looked up there */
    throw std::runtime_error("skipped");
}

/* Callers. */

void set_next(entry *trampoline) { next = trampoline; }

/* Six values that live in registers across the call, and must still be there in the handler of the exception. */
__attribute__((noinline)) long catch_from(entry *trampoline, long a, long b, long c, long d, long e)
{
    long caught = -1000000;
    try {
        Guard guard;
        long result = trampoline(a);
        a += result;
    } catch (const std::runtime_error &error) {
        caught = std::stol(error.what());
    }
    return caught + a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}

/* Through several frames that clean up, and in a thread. */
__attribute__((noinline)) static long between(entry *trampoline, int levels)
{
    Guard guard;
    return levels == 0 ? trampoline(7) : between(trampoline, levels - 1) + 1;
}

int caught_in_thread;
static void *catch_in_thread(void *trampoline)
{
    for (int i = 0; i < 200; i++) {
        try {
            between(reinterpret_cast<entry *>(trampoline), 5);
        } catch (const std::runtime_error &) {
            __atomic_add_fetch(&caught_in_thread, 1, __ATOMIC_RELAXED);
        }
    }
    return nullptr;
}

int catch_in_threads(entry *trampoline)
{
    pthread_t threads[8];
    caught_in_thread = 0;
    for (auto &thread : threads) pthread_create(&thread, nullptr, catch_in_thread, reinterpret_cast<void *>(trampoline));
    for (auto &thread : threads) pthread_join(thread, nullptr);
    return caught_in_thread;
}

int jump_from(entry *trampoline)
{
    int value = setjmp(back);
    if (value == 0) trampoline(43);
    return value;
}

static void *start(void *trampoline)
{
    Guard guard;
    reinterpret_cast<entry *>(trampoline)(44);
    return nullptr;
}

long exit_from(entry *trampoline)
{
    pthread_t thread;
    void *result = nullptr;
    if (pthread_create(&thread, nullptr, start, reinterpret_cast<void *>(trampoline)) != 0) return -1;
    pthread_join(thread, &result);
    return reinterpret_cast<long>(result);
}

/* How many frames lie between the handler's caller, which is the common part, and the caller of this function. */
__attribute__((noinline)) int frames_from(entry *trampoline)
{
    void *above = __builtin_return_address(0);
    long kept = trampoline(1);
    int common = -1;
    for (int i = 0; i < frame_count; i++) {
        if (frames[i] == common_part && common < 0) common = i;
        if (frames[i] == above && common >= 0) return i - common - static_cast<int>(kept - 1);
    }
    return -1;
}

__attribute__((noinline, optimize("no-omit-frame-pointer"))) long skip_me(entry *trampoline)
{
    caller_stack = reinterpret_cast<uint64_t>(__builtin_dwarf_cfa());
    try {
        return trampoline(0);
    } catch (const std::runtime_error &) {
        return 1; /* never */
    }
}

int skipped(entry *trampoline)
{
    try {
        skip_me(trampoline);
    } catch (const std::runtime_error &error) {
        return error.what() == std::string("skipped") ? 2 : 3;
    }
    return 0;
}

#if defined(__x86_64__)
/*
 * Goes through the trampoline step by step, and unwinds at every instruction of the common part: the unwinder must
 * find the caller, as it was when it called, from everywhere. Returns at how many instructions it did not.
 */
static uint64_t step_entry, step_first, step_behind;
static int steps, steps_wrong;
/* DWARF numbers of the registers that functions keep (psABI, figure 3.36), and where a signal's frame has them. */
static const int kept_numbers[] = {3, 6, 12, 13, 14, 15};
static const int kept_places[] = {REG_RBX, REG_RBP, REG_R12, REG_R13, REG_R14, REG_R15};
static uint64_t kept_values[6], caller_sp, caller_pc;

struct search {
    uint64_t pc;
    bool inside, found;
};

static _Unwind_Reason_Code visit(_Unwind_Context *context, void *argument)
{
    search *wanted = static_cast<search *>(argument);
    if (wanted->inside) {
        bool right = _Unwind_GetIP(context) == caller_pc && _Unwind_GetCFA(context) == caller_sp;
        for (int i = 0; i < 6; i++) right = right && _Unwind_GetGR(context, kept_numbers[i]) == kept_values[i];
        wanted->found = right;
        return _URC_NORMAL_STOP;
    }
    wanted->inside = _Unwind_GetIP(context) == wanted->pc;
    return _URC_NO_REASON;
}

static void on_step(int, siginfo_t *, void *context)
{
    const greg_t *registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
    uint64_t pc = static_cast<uint64_t>(registers[REG_RIP]);
    if (pc == step_entry) {
        for (int i = 0; i < 6; i++) kept_values[i] = static_cast<uint64_t>(registers[kept_places[i]]);
        caller_sp = static_cast<uint64_t>(registers[REG_RSP]) + 8;
        caller_pc = *reinterpret_cast<uint64_t *>(registers[REG_RSP]);
    }
    if (pc < step_first || pc >= step_behind) return;
    search wanted = {pc, false, false};
    _Unwind_Backtrace(visit, &wanted);
    steps++;
    if (!wanted.found) steps_wrong++;
}

int wrong_steps(entry *trampoline, uint64_t first, uint64_t behind)
{
    static char stack[1 << 16];
    stack_t own = {}, old_stack;
    struct sigaction action = {}, old_action;
    own.ss_sp = stack;
    own.ss_size = sizeof stack;
    action.sa_sigaction = on_step;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    step_entry = reinterpret_cast<uint64_t>(trampoline);
    step_first = first;
    step_behind = behind;
    steps = steps_wrong = 0;
    sigaltstack(&own, &old_stack);
    sigaction(SIGTRAP, &action, &old_action);
    __asm__ volatile("pushfq; orl $0x100, (%%rsp); popfq" ::: "cc", "memory"); /* TF */
    long result = trampoline(5);
    __asm__ volatile("pushfq; andl $~0x100, (%%rsp); popfq" ::: "cc", "memory");
    sigaction(SIGTRAP, &old_action, nullptr);
    sigaltstack(&old_stack, nullptr);
    return result == 5 ? steps_wrong : -1;
}

int steps_taken() { return steps; }
#endif
}
