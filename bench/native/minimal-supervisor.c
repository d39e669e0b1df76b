/*
 * Minimal supervisor with the guarantees of fast objects: minimal-supervisor program arguments…
 *
 * It makes the same system calls as trampfd run, and lacks what the benchmark does not use: other types, registers
 * other than the PC and the third argument, policies, and blinded values.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "../../include/trampfd.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8 /* Linux 6.3; younger than the headers of Debian 12 */
#endif

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64) /* Linux 6.6, also younger */
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP 1
#endif

enum { page = 4096, body_size = 64, bodies = 69632, length = 2 * page + bodies * body_size, most = 65536 };

struct object {
    dev_t device;
    ino_t inode;
    int keeper;
    char *memory;
    uint64_t used;
};

static struct object objects[most];
static size_t alive;
static size_t looked_at;
static int listener;

/* ---- The program ---- */

/* Shares the parent's memory and file descriptors until execve. */
static int start(void *arguments)
{
    char **argv = (char **)arguments;
    const uint32_t far = (uint32_t)(TRAMPFD_OFFSET_BASE >> 32);
#define ARGUMENT(n, half) (offsetof(struct seccomp_data, args) + 8 * (n) + (half))
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 9),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_trampfd_create, 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 0, 4),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(3, 4)),
        BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(5, 4)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, far, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    struct sock_fprog filter = {sizeof code / sizeof *code, code};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                            SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
                                SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                            &filter);
    if (listener >= 0)
        execvp(argv[0], argv);
    perror("minimal-supervisor");
    _exit(127);
}

static int still_there(uint64_t id)
{
    return ioctl(listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int read_program(const struct seccomp_notif *call, void *to, size_t size)
{
    struct iovec ours = {to, size}, theirs = {(void *)call->data.args[1], size};
    if (process_vm_readv((pid_t)call->pid, &ours, 1, &theirs, 1, 0) != (ssize_t)size)
        return EFAULT;
    return still_there(call->id) ? 0 : ESRCH;
}

static int write_program(const struct seccomp_notif *call, void *from, size_t size)
{
    struct iovec ours = {from, size}, theirs = {(void *)call->data.args[1], size};
    if (!still_there(call->id))
        return ESRCH;
    return process_vm_writev((pid_t)call->pid, &ours, 1, &theirs, 1, 0) == (ssize_t)size ? 0 : EFAULT;
}

/* ---- Objects ---- */

static struct object *find(uint32_t pid, int fd)
{
    char path[64];
    struct stat file;
    snprintf(path, sizeof path, "/proc/%u/fd/%d", pid, fd);
    if (stat(path, &file) != 0)
        return NULL;
    /* Newest first, since programs use new objects most. */
    for (size_t i = alive; i-- > 0;)
        if (objects[i].inode == file.st_ino && objects[i].device == file.st_dev)
            return &objects[i];
    return NULL;
}

/* endbr64; mov r11, [selector]; lea r10, [entry]; lea r10, [r10+r11]; jmp r10; int3 */
static const unsigned char entry[] = {
    0xf3, 0x0f, 0x1e, 0xfa, 0x4c, 0x8b, 0x1d, 0xf5, 0x0f, 0,    0,    0x4c, 0x8d,
    0x15, 0xee, 0xff, 0xff, 0xff, 0x4f, 0x8d, 0x14, 0x1a, 0x41, 0xff, 0xe2, 0xcc,
};

static void lead(struct object *object, uint64_t to)
{
    __atomic_store_n((uint64_t *)(object->memory + page), to, __ATOMIC_SEQ_CST);
}

/* Returns a file descriptor for the program, or -1. The file is reopened, so that a lease detects its users; see
   fcntl(2), "Leases". After a failure, files stay open until the process exits. */
static int make(struct object *object)
{
    char path[32];
    struct stat file;
    int fd = memfd_create("trampfd", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (fd < 0 || ftruncate(fd, TRAMPFD_OFFSET_BASE + length) != 0)
        return -1;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    object->keeper = open(path, O_RDWR | O_CLOEXEC);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    object->memory =
        mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, object->keeper, TRAMPFD_OFFSET_BASE);
    if (object->memory == MAP_FAILED || fstat(object->keeper, &file) != 0)
        return -1;
    memset(object->memory, 0xcc, page);
    memcpy(object->memory, entry, sizeof entry);
    lead(object, sizeof entry - 1);
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0)
        return -1;
    object->device = file.st_dev;
    object->inode = file.st_ino;
    object->used = 0;
    close(fd);
    return reader;
}

static void destroy(struct object *object)
{
    munmap(object->memory, length);
    close(object->keeper);
}

/* Checks two objects for every created one, so that objects of a burst are freed, too. */
static void collect(void)
{
    for (int turn = 0; turn < 2 && alive > 0; turn++) {
        struct object *object = &objects[looked_at = (looked_at + 1) % alive];
        if (fcntl(object->keeper, F_SETLEASE, F_WRLCK) != 0)
            continue;
        fcntl(object->keeper, F_SETLEASE, F_UNLCK);
        destroy(object);
        *object = objects[--alive];
    }
}

/* ---- Calls ---- */

static int create(const struct seccomp_notif *call)
{
    struct trampfd_user user;
    struct object *object = &objects[alive];
    if (alive == most || call->data.args[0] != TRAMPFD_USER || call->data.args[2] != 0)
        return EINVAL;
    int error = read_program(call, &user, sizeof user);
    if (error != 0)
        return error;
    if (user.flags != 0 || user.count > 1)
        return EINVAL;
    int reader = make(object);
    if (reader < 0)
        return errno;
    struct seccomp_notif_addfd give = {
        .id = call->id, .flags = SECCOMP_ADDFD_FLAG_SEND, .srcfd = (uint32_t)reader, .newfd_flags = O_CLOEXEC};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &give) < 0) {
        error = errno;
        destroy(object);
    } else {
        alive++;
    }
    close(reader);
    return error;
}

static int set_registers(const struct seccomp_notif *call, struct object *object)
{
    struct trampfd_regs context;
    uint64_t pc = 0, third = 0;
    int has_third = 0;
    if (call->data.args[2] < 8 || call->data.args[2] > sizeof context)
        return EINVAL;
    int error = read_program(call, &context, call->data.args[2]);
    if (error != 0)
        return error;
    if (context.nregs > TRAMPFD_MAX_REGS || context.reserved != 0 ||
        call->data.args[2] != TRAMPFD_REGS_SIZE(context.nregs))
        return EINVAL;
    for (uint32_t i = 0; i < context.nregs; i++) {
        if (context.regs[i].name == TRAMPFD_REG_PC)
            pc = context.regs[i].value;
        else if (context.regs[i].name == TRAMPFD_REG_ARG2)
            third = context.regs[i].value, has_third = 1;
        else
            return EINVAL;
    }
    if (pc == 0 || !has_third)
        return EINVAL;
    uint64_t at = 2 * page + object->used++ % bodies * body_size;
    unsigned char *body = (unsigned char *)object->memory + at;
    /* endbr64; mov r10, pc; mov rdx, third; jmp r10 */
    memset(body, 0xcc, body_size);
    memcpy(body, "\xf3\x0f\x1e\xfa\x49\xba", 6);
    memcpy(body + 6, &pc, 8);
    memcpy(body + 14, "\x48\xba", 2);
    memcpy(body + 16, &third, 8);
    memcpy(body + 24, "\x41\xff\xe2", 3);
    lead(object, at);
    return 0;
}

static int get_map(const struct seccomp_notif *call)
{
    struct trampfd_map map = {length, PROT_READ | PROT_EXEC, MAP_SHARED, 0, 0, sizeof entry};
    return call->data.args[2] == sizeof map ? write_program(call, &map, sizeof map) : EINVAL;
}

/* Finds the object that `pread`, `pwrite` or `mmap` mean, and answers; what is none goes to the kernel. */
static void answer(const struct seccomp_notif *call)
{
    const __u64 *args = call->data.args;
    const int is_map = call->data.nr == SYS_mmap;
    struct object *object = find(call->pid, (int)args[is_map ? 4 : 0]);
    if (!still_there(call->id))
        return;
    struct seccomp_notif_resp response = {.id = call->id};
    if (object == NULL)
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (is_map && args[1] == length && args[2] == (PROT_READ | PROT_EXEC) && (args[3] & MAP_SHARED) &&
             args[5] == (uint64_t)TRAMPFD_OFFSET_BASE)
        response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    else if (call->data.nr == SYS_pread64 && args[3] == (uint64_t)TRAMPFD_MAP_OFFSET)
        response.error = -get_map(call);
    else if (call->data.nr == SYS_pwrite64 && args[3] == (uint64_t)TRAMPFD_REGS_OFFSET)
        response.error = -set_registers(call, object);
    else
        response.error = -EINVAL;
    if (response.flags == 0 && response.error == 0)
        response.val = (int64_t)args[2];
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

static void serve(void)
{
    struct seccomp_notif call = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0)
        return;
    if (call.data.nr != __NR_trampfd_create) {
        answer(&call);
        return;
    }
    struct seccomp_notif_resp response = {.id = call.id, .error = -create(&call)};
    if (response.error != 0)
        ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
    collect();
}

int main(int argc, char **argv)
{
    static char stack[65536];
    if (argc < 2)
        return 2;
    setenv(TRAMPFD_SUPERVISOR, TRAMPFD_VERSION, 1);
    const int flags = CLONE_VM | CLONE_VFORK | CLONE_FILES | SIGCHLD;
    if (clone(start, stack + sizeof stack, flags, argv + 1) < 0 || listener < 0)
        return 1;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    struct pollfd poller = {.fd = listener, .events = POLLIN};
    while (poll(&poller, 1, -1) >= 0 && (poller.revents & POLLIN) != 0)
        serve();
    int status;
    wait(&status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
