/* C that calls function pointers: from other threads, at exit, with arguments of every kind. */
#define _GNU_SOURCE
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>
#include <unistd.h>

typedef int callback(int);

/* Calls a callback `count` times with 0, 1, …; returns the sum of the results. */
long call_many(callback *call, int count)
{
    long sum = 0;
    for (int i = 0; i < count; i++)
        sum += call(i);
    return sum;
}

/* The result of the last call, which an exception hides from JavaScript. */
int last_result;

void call_and_keep(callback *call, int value)
{
    last_result = call(value);
}

struct task {
    callback *call;
    int count;
    long sum;
};

static void *run_task(void *data)
{
    struct task *task = data;
    task->sum = call_many(task->call, task->count);
    return NULL;
}

/* Does the same on several threads at once, and waits for them. */
long call_from_threads(callback *call, int threads, int count)
{
    pthread_t thread[64];
    struct task task[64];
    long sum = 0;
    for (int i = 0; i < threads; i++) {
        task[i] = (struct task){ call, count, 0 };
        pthread_create(&thread[i], NULL, run_task, &task[i]);
    }
    for (int i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
        sum += task[i].sum;
    }
    return sum;
}

struct numbers {
    long number[5];
};
typedef void take_numbers(int first, struct numbers);

static void *give_numbers(void *data)
{
    take_numbers *call = (take_numbers *)data;
    for (int i = 0; i < 100; i++)
        call(i, (struct numbers){ { i, i + 1, i + 2, i + 3, i + 4 } });
    return NULL;
}

/* Calls from another thread, with structures that are overwritten as soon as a call returns. */
void give_from_thread(take_numbers *call)
{
    pthread_t thread;
    pthread_create(&thread, NULL, give_numbers, (void *)call);
    pthread_join(thread, NULL);
}

static void report(const char *who, int result)
{
    char line[64];
    int length = snprintf(line, sizeof line, "%s got %d\n", who, result);
    if (write(STDOUT_FILENO, line, length) != length)
        abort();
}

static atomic_int calling; /* the thread id of the calling thread */

static void *call_once(void *data)
{
    callback *call = (callback *)data;
    calling = gettid();
    report("thread", call(1));
    return NULL;
}

/* Waits until that thread has sent its request, and sleeps until the reply. */
void wait_for_request(void)
{
    for (int asleep = 0; asleep < 20; usleep(1000)) {
        char path[64], state = 0;
        snprintf(path, sizeof path, "/proc/self/task/%d/stat", calling);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue; /* not started yet */
        asleep = fscanf(file, "%*d (%*[^)]) %c", &state) == 1 && state == 'S' ? asleep + 1 : 0;
        fclose(file);
    }
}

static ucontext_t caller_context, other_context;
static callback *other_call;

static void call_on_other_stack(void)
{
    last_result = other_call(1);
}

/* Calls from the stack of a coroutine. */
void call_from_coroutine(callback *call)
{
    static char stack[1 << 20];
    other_call = call;
    getcontext(&other_context);
    other_context.uc_stack.ss_sp = stack;
    other_context.uc_stack.ss_size = sizeof stack;
    other_context.uc_link = &caller_context;
    makecontext(&other_context, call_on_other_stack, 0);
    swapcontext(&caller_context, &other_context);
}

static void *call_for_ever(void *data)
{
    callback *call = (callback *)data;
    for (;;)
        call(1);
    return NULL;
}

void keep_calling(callback *call, int threads)
{
    for (int i = 0; i < threads; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, call_for_ever, (void *)call);
        pthread_detach(thread);
    }
}

static callback *last_call;
static pthread_t last_thread;

static void call_at_exit(void)
{
    report("atexit", last_call(5));
}

void call_in_atexit(callback *call)
{
    last_call = call;
    atexit(call_at_exit);
}

static void join_at_exit(void)
{
    pthread_join(last_thread, NULL);
}

/* Starts a thread that calls, and joins it in an atexit handler. */
void join_in_atexit(callback *call)
{
    pthread_create(&last_thread, NULL, call_once, (void *)call);
    atexit(join_at_exit);
}

static void *sleep_and_call(void *data)
{
    usleep(100000);
    return call_once(data);
}

/* Does the same, but the call comes when this thread is idle. */
void call_later(callback *call)
{
    pthread_create(&last_thread, NULL, sleep_and_call, (void *)call);
    atexit(join_at_exit);
}

static sem_t at_end;

static void *wait_and_call(void *data)
{
    while (sem_wait(&at_end) != 0)
        ;
    return call_once(data);
}

static void let_call_at_exit(void)
{
    sem_post(&at_end);
    join_at_exit();
}

/* Does the same, but the call comes at exit. */
void call_at_end(callback *call)
{
    sem_init(&at_end, 0, 0);
    pthread_create(&last_thread, NULL, wait_and_call, (void *)call);
    atexit(let_call_at_exit);
}

struct large {
    double numbers[4];
    const char *text;
};

/* Uses six general registers, eight vector registers and the stack; a structure in memory as argument and result. */
typedef struct large eleven(int, double, long, float, struct large, unsigned char, double, void *, short, float, int);

double call_eleven(eleven *call)
{
    struct large large = { { 1.5, 2.5, 3.5, 4.5 }, "five" };
    struct large result = call(-1, 2.25, -3, 4.5f, large, 250, 7.75, (void *)8, -9, 10.5f, 11);
    return result.numbers[0] + result.numbers[3] + result.text[0];
}

double last_double;

void call_eleven_and_keep(eleven *call)
{
    struct large large = { { 0 }, "" };
    struct large result = call(0, 0, 0, 0, large, 0, 0, NULL, 0, 0, 0);
    last_double = result.numbers[0] + result.numbers[3];
}

double call_variadic(double (*call)(const char *, ...))
{
    return call("idsl", 1, 2.5, "text", 4L);
}

/* Arguments and result are shorter than a register: the upper bits are undefined. */
int call_narrow(void *call)
{
    int (*wide)(long, long, long) = (int (*)(long, long, long))call;
    signed char result = (signed char)wide(0x7fffffffffffff80, 0x12345678ffff8000, 0x5555555555555501);
    return result;
}

int set_errno_result(int value)
{
    extern int *__errno_location(void);
    *__errno_location() = value;
    return value + 1;
}

/* Returns an address on the stack; calls first, unless `call` is NULL. */
void *stack_of(void (*call)(void))
{
    if (call != 0)
        call();
    return __builtin_frame_address(0);
}

/* Fills `size` bytes of the stack, calls, and checks that the bytes have not changed. */
long use_stack(int size, callback *call)
{
    volatile unsigned char bytes[size];
    for (int i = 0; i < size; i++)
        bytes[i] = (unsigned char)i;
    long result = call(size);
    for (int i = 0; i < size; i++)
        if (bytes[i] != (unsigned char)i)
            return -1;
    return result;
}

/* The lower half of the address to which a call of this function returns. */
unsigned return_address(void)
{
    return (unsigned)(unsigned long)__builtin_return_address(0);
}

int add(int first, int second)
{
    return (int)((unsigned)first + (unsigned)second);
}

long same_word(long value)
{
    return value;
}

float same_float(float value)
{
    return value;
}

double same_double(double value)
{
    return value;
}
