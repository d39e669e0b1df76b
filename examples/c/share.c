/*
 * One object in two processes.
 *
 * A parent creates a trampoline and sends its fd over a socket to a program that it starts. That program sets the
 * function of the trampoline, maps it, and calls it. The parent has no access to the program's memory, but changes the
 * argument of the function, since both use the same object.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <trampfd.h>

/* A message of one byte with a file descriptor. */
struct fd_message {
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec bytes;
    struct msghdr message;
};

static struct msghdr *wrap(struct fd_message *parcel, int fd)
{
    memset(parcel, 0, sizeof *parcel);
    parcel->bytes = (struct iovec){&parcel->byte, 1};
    parcel->message = (struct msghdr){.msg_iov = &parcel->bytes, .msg_iovlen = 1};
    parcel->message.msg_control = &parcel->control;
    parcel->message.msg_controllen = sizeof parcel->control;
    parcel->control.header = (struct cmsghdr){CMSG_LEN(sizeof fd), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(&parcel->control.header), &fd, sizeof fd);
    return &parcel->message;
}

static int receive(int socket)
{
    struct fd_message parcel;
    int fd;
    if (recvmsg(socket, wrap(&parcel, -1), MSG_CMSG_CLOEXEC) != 1)
        return -1;
    memcpy(&fd, CMSG_DATA(&parcel.control.header), sizeof fd);
    return fd;
}

/* The processes signal each other with a byte. */
static int signal_peer(int socket) { return write(socket, "", 1) == 1; }
static int wait_for(int socket) { return read(socket, &(char){0}, 1) == 1; }

static void report(int argument)
{
    printf("child: called with %d\n", argument);
    fflush(stdout);
}

static int child(int socket)
{
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)report},
        {.name = TRAMPFD_REG_ARG0, .value = 1},
    };
    uintptr_t address;
    int fd = receive(socket);
    if (fd < 0 || trampfd_set_regs(fd, regs, 2) != 0 || trampfd_map(fd, &address) != 0)
        return 1;
    ((void (*)(void))address)();
    if (!signal_peer(socket) || !wait_for(socket))
        return 1;
    ((void (*)(void))address)();
    return 0;
}

static int parent(int socket)
{
    struct trampfd_user user = {.count = 1};
    struct trampfd_reg regs[2];
    struct fd_message parcel;
    int status = 1;
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (fd < 0 || sendmsg(socket, wrap(&parcel, fd), 0) != 1 || !wait_for(socket))
        return 1;
    if (trampfd_get_regs(fd, regs, 2) != 2)
        return 1;
    printf("parent: the argument is %d, make it 2\n", (int)regs[1].value);
    fflush(stdout);
    regs[1].value = 2;
    if (trampfd_set_regs(fd, regs, 2) != 0 || !signal_peer(socket) || wait(&status) < 0)
        return 1;
    return status;
}

int main(int argc, char **argv)
{
    int pair[2];
    if (argc == 2)
        return child(atoi(argv[1]));
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        char number[12];
        close(pair[0]);
        snprintf(number, sizeof number, "%d", pair[1]);
        execl("/proc/self/exe", argv[0], number, (char *)NULL);
        _exit(127);
    }
    close(pair[1]);
    if (pid < 0 || parent(pair[0]) != 0) {
        perror("trampfd");
        return 1;
    }
    puts("EXIT-SUCCESS");
    return 0;
}
