/* Children of a process with trampolines: C only, as the child of a process with threads must be. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

typedef long entry(void);
struct expected { entry *called; long answer; };
struct range { void *start; long length; };
enum { ANY = -2, WRONG = -1, THREADS = 2 };

/* The target: carries a value and its complement, so that a mix of two values is seen. */
long both(long value, long complement) { return value == ~complement ? value : WRONG; }

/* The number of the first call that was not answered as expected, counted from 1; else 0. */
static int check(const struct expected *list, int count)
{
    for (int i = 0; i < count; i++) {
        long answer = list[i].called();
        if (answer == WRONG || (list[i].answer != ANY && answer != list[i].answer)) return i + 1;
    }
    return 0;
}

static void child(const struct expected *list, int count, struct range scribble)
{
    int wrong = check(list, count);
    if (wrong == 0) memset(scribble.start, 0xff, scribble.length);
    _exit(wrong);
}

/* What became of a child: what `check` said, or the number of the signal that ended it, negative. */
static int result(pid_t pid)
{
    int status;
    if (waitpid(pid, &status, 0) != pid) return WRONG;
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int go[2];

/* A child that waits until it is asked to check. */
int fork_waiting(const struct expected *list, int count, void *start, long length)
{
    char byte;
    if (pipe(go) != 0) return -1;
    pid_t pid = fork();
    if (pid != 0) return pid;
    if (read(go[0], &byte, 1) == 1) child(list, count, (struct range){start, length});
    _exit(125);
}

int fork_release(pid_t pid)
{
    if (write(go[1], "", 1) != 1) return 125;
    close(go[0]);
    close(go[1]);
    return result(pid);
}

static struct { const struct expected *list; int stable, count, forks, running; struct range scribble; } storm;
static pthread_t callers[THREADS], forker;

static void *call(void *nothing)
{
    long wrong = 0;
    (void)nothing;
    while (__atomic_load_n(&storm.running, __ATOMIC_RELAXED)) wrong += check(storm.list, storm.stable) != 0;
    return (void *)wrong;
}

static void *fork_often(void *nothing)
{
    long failed = 0;
    (void)nothing;
    for (int i = 0; i < storm.forks; i++) {
        pid_t pid = fork();
        if (pid == 0) child(storm.list, storm.count, storm.scribble);
        failed += pid < 0 || result(pid) != 0;
    }
    __atomic_store_n(&storm.running, 0, __ATOMIC_RELAXED);
    return (void *)failed;
}

/* Threads call the first `stable` of the list while another forks children that check all of it. */
int storm_start(const struct expected *list, int stable, int count, int forks, void *start, long length)
{
    storm.list = list, storm.stable = stable, storm.count = count, storm.forks = forks, storm.running = 1;
    storm.scribble = (struct range){start, length};
    for (int i = 0; i < THREADS; i++)
        if (pthread_create(&callers[i], 0, call, 0) != 0) return -1;
    return pthread_create(&forker, 0, fork_often, 0);
}

int storm_running(void) { return __atomic_load_n(&storm.running, __ATOMIC_RELAXED); }

/* How many rounds of calls went wrong in this process (times 1000), and how many children failed. */
long storm_join(void)
{
    void *wrong, *failed;
    pthread_join(forker, &failed);
    long sum = (long)failed;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(callers[i], &wrong);
        sum += 1000 * (long)wrong;
    }
    return sum;
}
