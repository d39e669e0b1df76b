/* Threads invoke one trampoline without pause. Its values belong together, and the targets count when not. */
#include <pthread.h>

#define MOST 16
#define CALLERS_OWN 77L

typedef void entry(void *thread, long b, long c, long d, long e, long f);

struct thread {
    pthread_t id;
    long calls, mixes;
} __attribute__((aligned(128)));

static struct thread threads[MOST];
static int count, stop;
static entry *called;

/* Five values, all the same, and even. */
void five(struct thread *thread, long b, long c, long d, long e, long f)
{
    thread->mixes += b != c || b != d || b != e || b != f || b % 2 != 0;
}

/* Two values, the same and odd; the other three are the caller's. */
void two(struct thread *thread, long b, long c, long d, long e, long f)
{
    thread->mixes += b != c || b % 2 == 0 || d != CALLERS_OWN || e != CALLERS_OWN || f != CALLERS_OWN;
}

/* Bytes that a call pushes on the stack. */
#ifdef __x86_64__
#define PUSHED 8
#else
#define PUSHED 0
#endif

/* A value in a register and the same in the stack data, which is 8 bytes, 64 bytes below the stack pointer of the caller. */
void with_stack_data(struct thread *thread, long b, long c, long d, long e, long f)
{
    const char *sp = (const char *)__builtin_dwarf_cfa() - PUSHED;
    thread->mixes += *(const volatile long *)(sp - 64 - 8) != b || c != CALLERS_OWN || d != CALLERS_OWN
        || e != CALLERS_OWN || f != CALLERS_OWN;
}

static void *run(void *argument)
{
    struct thread *thread = argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        called(thread, CALLERS_OWN, CALLERS_OWN, CALLERS_OWN, CALLERS_OWN, CALLERS_OWN);
        __atomic_store_n(&thread->calls, thread->calls + 1, __ATOMIC_RELAXED);
    }
    return 0;
}

int storm_start(entry *trampoline, int wanted)
{
    called = trampoline;
    stop = 0;
    for (count = 0; count < wanted && count < MOST; count++) {
        threads[count].calls = threads[count].mixes = 0;
        if (pthread_create(&threads[count].id, 0, run, &threads[count]) != 0) break;
    }
    return count;
}

long storm_calls(void)
{
    long sum = 0;
    for (int i = 0; i < count; i++) sum += __atomic_load_n(&threads[i].calls, __ATOMIC_RELAXED);
    return sum;
}

/* Ends the storm and returns how many calls saw a mix. */
long storm_stop(void)
{
    long sum = 0;
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i].id, 0);
        sum += threads[i].mixes;
    }
    return sum;
}

static long each;

static void *run_some(void *argument)
{
    for (long i = 0; i < each; i++) called(argument, CALLERS_OWN, CALLERS_OWN, CALLERS_OWN, CALLERS_OWN, CALLERS_OWN);
    return 0;
}

/* Threads invoke so often each. Returns how many invocations there were, or saw a mix, then negative. */
long storm_count(entry *trampoline, int wanted, long often)
{
    long mixes = 0;
    called = trampoline;
    each = often;
    for (count = 0; count < wanted && count < MOST; count++) {
        threads[count].mixes = 0;
        if (pthread_create(&threads[count].id, 0, run_some, &threads[count]) != 0) break;
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i].id, 0);
        mixes += threads[i].mixes;
    }
    return mixes == 0 ? count * each : -mixes;
}
