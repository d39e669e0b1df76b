/* A server and four clients over TCP, with select, SIGIO and credentials. */
#define _GNU_SOURCE
#include "../check.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/wait.h>

static volatile sig_atomic_t arrived;

static void handle(int signal)
{
    (void)signal;
    arrived = 1;
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), sum = 0;
    CHECK(bind(server, (struct sockaddr *)&address, sizeof address) == 0 && listen(server, 8) == 0);
    CHECK(getsockname(server, (struct sockaddr *)&address, &length) == 0);
    for (char client = 1; client <= 4; client++) {
        if (fork() != 0)
            continue;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
        CHECK(send(fd, &client, 1, 0) == 1);
        _exit(0);
    }
    for (int client = 0; client < 4; client++) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(server, &set);
        CHECK(select(server + 1, &set, NULL, NULL, NULL) == 1);
        int fd = accept(server, NULL, NULL);
        char byte;
        CHECK(recv(fd, &byte, 1, MSG_WAITALL) == 1);
        sum += byte;
        close(fd);
        wait(NULL);
    }
    printf("%d\n", sum);
    int pair[2];
    struct ucred who;
    socklen_t size = sizeof who;
    signal(SIGIO, handle);
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    CHECK(getsockopt(pair[0], SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 && who.pid == getpid());
    CHECK(fcntl(pair[0], F_SETOWN, getpid()) == 0 && fcntl(pair[0], F_SETFL, O_ASYNC) == 0);
    CHECK(send(pair[1], "x", 1, 0) == 1);
    while (!arrived)
        ;
    return success();
}
