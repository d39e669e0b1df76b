/* One object through many fds and mappings: dup, fork, exec, a socket; unmapped and mapped again. */
#include <sys/socket.h>
#include <sys/wait.h>
#include "check.h"

static uint64_t same(uint64_t value)
{
    return value;
}

static void wait_for(pid_t pid)
{
    int status;
    CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

static int set(int fd, uint64_t value)
{
    return set_target(fd, 0, (uintptr_t)same, value);
}

/* Changes the parent's object through an inherited fd. Its functions have other addresses. */
static int after_exec(int fd, uint64_t pc)
{
    struct trampfd_reg regs[2];
    CHECK(trampfd_get_regs(fd, regs, 2) == 2 && regs[0].value == pc && regs[1].value == 31);
    CHECK(set(fd, 32) == 0 && call(map(fd)) == 32);
    CHECK(set_target(fd, 0, pc, 33) == 0);
    return 0;
}

static void send_one(int socket, int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(head), &fd, sizeof fd);
    CHECK(sendmsg(socket, &message, 0) == 1);
}

static int receive_one(int socket)
{
    int fd;
    char byte, control[CMSG_SPACE(sizeof fd)];
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK(recvmsg(socket, &message, MSG_CMSG_CLOEXEC) == 1 && CMSG_FIRSTHDR(&message) != NULL);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

static void check(uint32_t flags, const char *self)
{
    int sockets[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    /* A process that is older than the object. */
    pid_t receiver = fork();
    if (receiver == 0) {
        int fd = receive_one(sockets[0]);
        CHECK(call(map(fd)) == 40);
        CHECK(set(fd, 41) == 0);
        exit(0);
    }

    int fd = make(flags, 1), copy = dup(fd);
    uintptr_t first = map(fd), second = map(copy);
    CHECK(first != second);
    CHECK(set(fd, 10) == 0 && call(first) == 10 && call(second) == 10);
    CHECK(set(copy, 11) == 0 && call(first) == 11 && call(second) == 11);

    pid_t child = fork();
    if (child == 0) {
        CHECK(call(first) == 11 && set(fd, 20) == 0 && call(second) == 20 && call(map(fd)) == 20);
        exit(0);
    }
    wait_for(child);
    CHECK(call(first) == 20);

    CHECK(set(fd, 31) == 0);
    child = fork();
    if (child == 0) {
        char number[16], pc[32], kind[2] = {(char)('0' + flags), 0};
        snprintf(number, sizeof number, "%d", dup(fd));
        snprintf(pc, sizeof pc, "%llu", (unsigned long long)(uintptr_t)same);
        execl(self, self, kind, number, pc, (char *)NULL);
        _exit(1);
    }
    wait_for(child);
    CHECK(call(first) == 33);

    CHECK(set(fd, 40) == 0);
    send_one(sockets[1], fd);
    wait_for(receiver);
    CHECK(call(first) == 41);

    /* Many mappings. */
    uintptr_t all[10];
    for (int i = 0; i < 10; i++)
        CHECK(call(all[i] = map(fd)) == 41);
    CHECK(set(fd, 50) == 0);
    for (int i = 0; i < 10; i++)
        CHECK(call(all[i]) == 50 && trampfd_unmap(fd, all[i]) == 0);
    CHECK(trampfd_unmap(fd, first) == 0 && trampfd_unmap(fd, second) == 0);
    CHECK(call(map(fd)) == 50);
    close(fd);
    close(copy);
}

int main(int argc, char **argv)
{
    if (argc == 4)
        return after_exec(atoi(argv[2]), strtoull(argv[3], NULL, 10));
    check(0, argv[0]);
    check(TRAMPFD_SLOW, argv[0]);
    return success();
}
