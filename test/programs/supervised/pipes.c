/* Pipes, broken pipes, sockets, passed fds and close-on-exec. */
#define _GNU_SOURCE
#include "../check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

static void pass(int socket, int fd)
{
    char control[CMSG_SPACE(sizeof fd)] = {0};
    struct iovec data = {.iov_base = "f", .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    CHECK(sendmsg(socket, &message, 0) == 1);
}

static int receive(int socket)
{
    char control[CMSG_SPACE(sizeof(int))], byte;
    int fd;
    struct iovec data = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK(recvmsg(socket, &message, 0) == 1);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

int main(void)
{
    int ends[2], sockets[2], status;
    char text[64] = "";
    CHECK(pipe(ends) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
    printf("descriptors %d %d\n", ends[0], sockets[1]);
    pid_t child = fork();
    if (child == 0) {
        pass(sockets[1], ends[1]);
        _exit(0);
    }
    close(ends[1]);
    int received = receive(sockets[0]);
    CHECK(write(received, "passed", 6) == 6);
    CHECK(waitpid(child, &status, 0) == child);
    close(received);
    CHECK(read(ends[0], text, sizeof text) == 6 && read(ends[0], text + 6, 1) == 0);
    puts(text);
    close(ends[0]);
    CHECK(pipe(ends) == 0);
    close(ends[0]);
    child = fork();
    if (child == 0) {
        CHECK(write(ends[1], "x", 1) == 1);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    printf("broken pipe: signal %d\n", WTERMSIG(status));
    signal(SIGPIPE, SIG_IGN);
    CHECK(write(ends[1], "x", 1) == -1 && errno == EPIPE);
    CHECK(fcntl(sockets[0], F_SETFD, FD_CLOEXEC) == 0);
    fflush(stdout);
    if (fork() == 0)
        execl("/bin/sh", "sh", "-c", "for fd in 0 1 2 3 4 5 6 7 8 9; do [ -e /proc/$$/fd/$fd ] && echo open $fd; done", (char *)NULL);
    wait(NULL);
    return success();
}
