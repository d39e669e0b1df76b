/* signalfd, eventfd, epoll, inotify-like waiting, and ppoll's mask. */
#define _GNU_SOURCE
#include "../check.h"
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

static volatile sig_atomic_t count;

static void handle(int signal)
{
    (void)signal;
    count++;
}

int main(void)
{
    sigset_t set, none;
    sigemptyset(&none);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    int signals = signalfd(-1, &set, 0), events = eventfd(0, 0), queue = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = signals};
    CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, signals, &event) == 0);
    event.data.fd = events;
    CHECK(epoll_ctl(queue, EPOLL_CTL_ADD, events, &event) == 0);
    CHECK(epoll_wait(queue, &event, 1, 0) == 0);
    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 31});
    CHECK(epoll_wait(queue, &event, 1, 1000) == 1 && event.data.fd == signals);
    struct signalfd_siginfo info;
    CHECK(read(signals, &info, sizeof info) == sizeof info);
    printf("signal %u, value %d, own %d\n", info.ssi_signo, info.ssi_int, (int)info.ssi_pid == getpid());
    uint64_t one = 1;
    CHECK(write(events, &one, sizeof one) == sizeof one);
    CHECK(epoll_wait(queue, &event, 1, 1000) == 1 && event.data.fd == events);
    signal(SIGUSR1, handle);
    kill(getpid(), SIGUSR1);
    CHECK(count == 0);
    CHECK(ppoll(NULL, 0, NULL, &none) == -1 && errno == EINTR && count == 1);
    kill(getpid(), SIGUSR1);
    CHECK(sigsuspend(&none) == -1 && errno == EINTR && count == 2);
    return success();
}
