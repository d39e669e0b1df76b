/* Attacks of a process on a supervisor of the same user: all are refused. attack [PID] */
#include "../slow.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

static void refused(const char *what, long result)
{
    if (result < 0 && (errno == EPERM || errno == EACCES)) return;
    printf("%s: %ld (errno %d)\n", what, result, result < 0 ? errno : 0);
    exit(1);
}

static void attack_thread(const char *folder, int tid)
{
    static const char *const files[] = {"mem", "maps", "environ", "fd", "fdinfo", "syscall", "auxv"};
    char path[300], byte;
    struct iovec ours = {&byte, 1}, theirs = {(void *)attack_thread, 1};

    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        int fd = open(path, O_RDONLY);
        /* Some can be opened, but not read. */
        refused(path, fd >= 0 && read(fd, &byte, 1) < 0 ? -1 : fd);
        if (fd >= 0) close(fd);
    }
    refused("seize", ptrace(PTRACE_SEIZE, tid, 0, 0));
    refused("attach", ptrace(PTRACE_ATTACH, tid, 0, 0));
    refused("read", process_vm_readv(tid, &ours, 1, &theirs, 1, 0));
    refused("write", process_vm_writev(tid, &ours, 1, &theirs, 1, 0));
    refused("compare", syscall(SYS_kcmp, getpid(), tid, KCMP_FILE, 0, 0));
}

/* No process whose fds are readable has the notify fd. */
static void search_listener(void)
{
    char path[600], target[PATH_MAX];
    struct dirent *process, *fd;
    DIR *all = opendir("/proc");
    CHECK(all != NULL);
    while ((process = readdir(all)) != NULL) {
        snprintf(path, sizeof path, "/proc/%s/fd", process->d_name);
        DIR *folder = opendir(path);
        while (folder != NULL && (fd = readdir(folder)) != NULL) {
            snprintf(path, sizeof path, "/proc/%s/fd/%s", process->d_name, fd->d_name);
            ssize_t length = readlink(path, target, sizeof target - 1);
            CHECK(length < 0 || memmem(target, (size_t)length, "seccomp", 7) == NULL);
        }
        if (folder != NULL) closedir(folder);
    }
    closedir(all);
}

/* The program's own filter cannot handle the calls instead. */
static void try_listener(void)
{
    struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {1, &allow};
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L) == 0);
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program) == -1);
    CHECK(errno == EBUSY);
}

int main(int argc, char **argv)
{
    char path[600];
    struct dirent *thread;
    uintptr_t address = 0;
    int pid = argc > 1 ? atoi(argv[1]) : getppid();

    if (argc == 1) CHECK(make_slow(sum, 5, &address) >= 0);
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *threads = opendir(path);
    CHECK(threads != NULL);
    while ((thread = readdir(threads)) != NULL) {
        if (thread->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "/proc/%d/task/%s", pid, thread->d_name);
        attack_thread(path, atoi(thread->d_name));
    }
    int handle = (int)syscall(SYS_pidfd_open, pid, 0);
    CHECK(handle >= 0);
    for (int fd = 0; fd < 64; fd++) refused("take a descriptor", syscall(SYS_pidfd_getfd, handle, fd, 0));
    search_listener();
    if (argc == 1) {
        try_listener();
        CHECK(sums(address, 5));
    }
    puts("EXIT-SUCCESS");
    return 0;
}
