/* Attempts under a policy: each prints a line with `ok` or the errno. */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include "check.h"

static sigjmp_buf back;
static void *volatile fault;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)signal, (void)context;
    fault = info->si_addr;
    siglongjmp(back, 1);
}

static int tell(const char *what, int result)
{
    if (result < 0)
        printf("%s: %d\n", what, errno);
    else
        printf("%s: ok\n", what);
    return result;
}

static void kinds(void)
{
    struct trampfd_user fast = {0, 1}, slow = {TRAMPFD_SLOW, 1};
    struct trampfd_table table = {0, 1, TRAMPFD_REG_ARG0, TRAMPFD_REG_ARG1, 8, 8};
    struct trampfd_code code = {.count = 1};
    struct trampfd_handler handler = {0, 1};
    tell("user fast", trampfd_create(TRAMPFD_USER, &fast, 0));
    tell("user slow", trampfd_create(TRAMPFD_USER, &slow, 0));
    tell("table", trampfd_create(TRAMPFD_TABLE, &table, 0));
    tell("code", trampfd_create(TRAMPFD_CODE, &code, 0));
    tell("handler", trampfd_create(TRAMPFD_HANDLER, &handler, 0));
}

/* Three may be alive. */
static void objects(void)
{
    struct trampfd_user user = {0, 1};
    int fd[4];
    for (int i = 0; i < 4; i++)
        fd[i] = tell("one more", trampfd_create(TRAMPFD_USER, &user, 0));
    close(fd[1]);
    tell("after one was removed", trampfd_create(TRAMPFD_USER, &user, 0));
    tell("and another", trampfd_create(TRAMPFD_USER, &user, 0));
}

static int make_handler(void)
{
    struct trampfd_handler data = {0, 1};
    int fd = trampfd_create(TRAMPFD_HANDLER, &data, 0);
    CHECK(fd >= 0);
    return fd;
}

static int set_handler(int fd, uint64_t pc)
{
    struct trampfd_reg regs = {TRAMPFD_REG_PC, 0, pc};
    return trampfd_set_regs(fd, &regs, 1);
}

static void pcs(void)
{
    int fd = make(0, 1);
    const uint64_t pc = (uintptr_t)kinds;
    tell("registers alone", set_target(fd, 0, pc, 0));
    tell("allowed PCs", trampfd_set_allowed_pcs(fd, &pc, 1));
    tell("registers", set_target(fd, 0, pc, 0));
    tell("no registers", trampfd_set_regs(fd, NULL, 0));
    int other = make_handler();
    tell("a handler alone", set_handler(other, pc));
    tell("a handler's allowed PCs", trampfd_set_allowed_pcs(other, &pc, 1));
    tell("a handler", set_handler(other, pc));
}

static int target(void *library, const char *name)
{
    static int fd = -1;
    if (fd < 0)
        fd = make(0, 1);
    return set_target(fd, 0, (uintptr_t)dlsym(library, name), 3);
}

static void *load(const char *path)
{
    void *library = dlopen(path, RTLD_NOW);
    if (library == NULL)
        printf("%s\n", dlerror());
    CHECK(library != NULL);
    return library;
}

/* The policy lists the first library; the second is later copied to its path. */
static void libraries(const char *named, const char *other)
{
    void *good = load(named), *bad = load(other);
    tell("a target in it", target(good, "twice"));
    tell("in another", target(bad, "twice"));
    tell("in libc", target(RTLD_DEFAULT, "getpid"));
    tell("in its data", target(good, "data"));
    int handling = make_handler();
    tell("a handler in it", set_handler(handling, (uintptr_t)dlsym(good, "twice")));
    tell("a handler in another", set_handler(handling, (uintptr_t)dlsym(bad, "twice")));
    tell("a handler nowhere", set_handler(handling, 1));

    int slow = make(TRAMPFD_SLOW, 1);
    tell("nowhere", set_target(slow, 0, 1, 0));
    const uintptr_t pc = (uintptr_t)dlsym(good, "twice"), address = map(slow);
    tell("a slow one", set_target(slow, 0, pc, 3));
    printf("it returned %llu\n", (unsigned long long)call(address));
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    CHECK(dlclose(good) == 0 && dlclose(bad) == 0);
    if (sigsetjmp(back, 1) == 0)
        call(address);
    printf("after dlclose it is %s\n", fault == (void *)address ? "refused" : "somewhere else");
    tell("a target that was in it", set_target(slow, 0, pc, 3));
    void *again = load(named);
    tell("loaded again", target(again, "twice"));
    CHECK(dlclose(again) == 0);
    CHECK(rename(other, named) == 0);
    tell("another file by its name", target(load(named), "twice"));
}

int main(int argc, char **argv)
{
    CHECK(argc > 1);
    if (strcmp(argv[1], "kinds") == 0)
        kinds();
    else if (strcmp(argv[1], "objects") == 0)
        objects();
    else if (strcmp(argv[1], "pcs") == 0)
        pcs();
    else if (strcmp(argv[1], "load") == 0)
        tell("load", dlopen(argv[2], RTLD_NOW) == NULL ? -1 : 0);
    else
        libraries(argv[2], argv[3]);
    return success();
}
