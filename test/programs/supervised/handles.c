/* Unusual uses of an fd: a lease, another mode, only a path, in flight in a socket. */
#include "../slow.h"
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* Creates and closes objects, so that the supervisor checks all of them. */
static void collect(void)
{
    struct trampfd_user user = {0};
    for (int i = 0; i < 300; i++) CHECK(close(trampfd_create(TRAMPFD_USER, &user, 0)) == 0);
}

static void send_fd(int socket, int fd)
{
    char control[CMSG_SPACE(sizeof fd)] = {0}, byte = 0;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    CHECK(sendmsg(socket, &message, 0) == 1);
}

static int receive_fd(int socket)
{
    int fd;
    char control[CMSG_SPACE(sizeof fd)], byte;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    CHECK(recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL);
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof fd);
    return fd;
}

int main(void)
{
    char path[64];
    uintptr_t address, again;
    int ends[2], fd = make_slow(sum, 5, &address);
    struct trampfd_map map;

    CHECK(fd >= 0 && fcntl(fd, F_SETLEASE, F_WRLCK) == -1 && fcntl(fd, F_SETLEASE, F_RDLCK) == -1);
    CHECK(fchmod(fd, 0666) == 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int writer = open(path, O_RDWR | O_CLOEXEC);
    if (writer >= 0) {
        CHECK(trampfd_get_map(writer, &map) == 0);
        CHECK(pwrite(writer, "", 1, 0) == -1 && errno == EPERM);
        CHECK(ftruncate(writer, 0) == -1 && errno == EPERM);
        CHECK(fcntl(writer, F_SETLEASE, F_RDLCK) == -1);
        CHECK(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, writer, 0) == MAP_FAILED && errno == EPERM);
        CHECK(close(writer) == 0);
    }
    CHECK(fchmod(fd, 0) == 0);
    collect();
    CHECK(set_slow(fd, sum, 6) == 0 && sums(address, 6));
    CHECK(munmap((void *)address, 4096) == 0);

    /* In flight only the kernel holds it. */
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    send_fd(ends[0], fd);
    CHECK(close(fd) == 0);
    collect();
    fd = receive_fd(ends[1]);
    CHECK(trampfd_map(fd, &again) == 0 && sums(again, 6));
    CHECK(fchmod(fd, 0600) == 0 && munmap((void *)again, 4096) == 0);

    /* An O_PATH fd does not keep an object alive; opening it yields an empty file then, or the object. */
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int place = open(path, O_PATH | O_CLOEXEC);
    CHECK(place >= 0 && close(fd) == 0);
    collect();
    snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK(fd >= 0);
    if (set_slow(fd, sum, 7) == 0) CHECK(trampfd_map(fd, &again) == 0 && sums(again, 7));
    CHECK(make_slow(sum, 8, &again) >= 0 && sums(again, 8));
    puts("EXIT-SUCCESS");
    return 0;
}
