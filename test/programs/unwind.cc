/* What leaves a function by another way than return, and what looks at its callers. */
#include <csetjmp>
#include <execinfo.h>
#include <pthread.h>

typedef void entry();

static int destroyed;
struct Guard { ~Guard() { destroyed++; } };

static jmp_buf back;
static void *frames[64];
static int frame_count;

extern "C" {

int guards_destroyed() { return destroyed; }

void throw_value(int value) { throw value; }

int catch_through(entry *trampoline)
{
    try {
        Guard guard;
        trampoline();
    } catch (int value) {
        return value;
    }
    return -1;
}

void jump_back(int value) { longjmp(back, value); }

int jump_through(entry *trampoline)
{
    int value = setjmp(back);
    if (value == 0) trampoline();
    return value;
}

void record_frames(void **returned)
{
    frame_count = backtrace(frames, 64);
    *returned = __builtin_return_address(0);
}

/* How deep below its caller's caller the target sees itself: 1 when the trampoline is no frame. -1: not at all. */
__attribute__((noinline)) int frames_through(entry *trampoline, void **returned)
{
    void *above = __builtin_return_address(0);
    trampoline();
    for (int i = 1; i + 1 < frame_count; i++)
        if (frames[i] == *returned && frames[i + 1] == above) return i;
    return -1;
}

void exit_thread(int value) { pthread_exit(reinterpret_cast<void *>(value)); }

static void *thread_start(void *trampoline)
{
    Guard guard;
    reinterpret_cast<entry *>(trampoline)();
    return nullptr;
}

/* pthread_exit unwinds the thread's stack through the trampoline, too. */
long exit_through(entry *trampoline)
{
    pthread_t thread;
    void *result = nullptr;
    if (pthread_create(&thread, nullptr, thread_start, reinterpret_cast<void *>(trampoline)) != 0) return -1;
    pthread_join(thread, &result);
    return reinterpret_cast<long>(result);
}
}
