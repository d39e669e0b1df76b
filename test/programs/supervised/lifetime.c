/* What keeps an object alive. Each input line is a step; the test observes the supervisor. */
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include "check.h"

static int sockets[2];
static uint32_t kind;
static uintptr_t mapped;
static struct trampfd_map place;

static uint64_t same(uint64_t value)
{
    return value;
}

static void post(void)
{
    int fd = make(kind, 1);
    CHECK(set_target(fd, 0, (uintptr_t)same, 5) == 0);
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    *CMSG_FIRSTHDR(&message) = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(CMSG_FIRSTHDR(&message)), &fd, sizeof fd);
    CHECK(sendmsg(sockets[1], &message, 0) == 1);
    close(fd);
}

static void take(void)
{
    int fd;
    char byte, control[CMSG_SPACE(sizeof fd)];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK(recvmsg(sockets[0], &message, 0) == 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    CHECK(call(map(fd)) == 5);
}

/* Children that create objects forever, and are killed. */
static void killed(void)
{
    for (int round = 0; round < 50; round++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                CHECK(set_target(make(kind, 1), 0, (uintptr_t)same, 1) == 0);
        usleep(1000 + 400 * (useconds_t)round);
        kill(pid, SIGKILL);
        CHECK(waitpid(pid, NULL, 0) == pid);
    }
}

static void *go_on(void *first)
{
    int fd;
    CHECK(pthread_join(*(pthread_t *)first, NULL) == 0);
    usleep(2000); /* until its exit is complete */
    fd = make(kind, 1);
    CHECK(set_target(fd, 0, (uintptr_t)same, 9) == 0);
    _exit(call(map(fd)) != 9);
}

/* Children whose main thread has exited when they create an object. */
static void headless(void)
{
    for (int round = 0; round < 20; round++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            static pthread_t first, second;
            first = pthread_self();
            CHECK(pthread_create(&second, NULL, go_on, &first) == 0);
            pthread_exit(NULL);
        }
        CHECK(waitpid(pid, &status, 0) == pid && status == 0);
    }
}

int main(int argc, char **argv)
{
    char line[64];
    kind = argc > 1 ? (uint32_t)atoi(argv[1]) : 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    setlinebuf(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strcmp(line, "forget\n") == 0) {
            for (int i = 0; i < 100; i++)
                close(make(kind, 1));
        } else if (strcmp(line, "map\n") == 0) {
            int fd = make(kind, 1);
            CHECK(set_target(fd, 0, (uintptr_t)same, 9) == 0);
            mapped = map(fd);
            CHECK(trampfd_get_map(fd, &place) == 0 && close(fd) == 0);
        } else if (strcmp(line, "call\n") == 0) {
            CHECK(call(mapped) == 9);
        } else if (strcmp(line, "unmap\n") == 0) {
            CHECK(munmap((void *)mapped, place.size) == 0);
        } else if (strcmp(line, "post\n") == 0) {
            post();
        } else if (strcmp(line, "take\n") == 0) {
            take();
        } else if (strcmp(line, "kill\n") == 0) {
            killed();
        } else if (strcmp(line, "headless\n") == 0) {
            headless();
        }
        puts("done");
    }
    return success();
}
