/* Ways to undo a restriction, or to get around it. Threads and children must work all the same. */
#include "route.h"
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/ptrace.h>

static void *thread(void *argument)
{
    return argument;
}

/* In a child, since it would change this process. */
static void in_child(const char *name, long (*attempt)(void))
{
    int status;
    if (fork() == 0) {
        errno = 0;
        exit(attempt() == -1 ? errno : 0);
    }
    wait(&status);
    errno = WEXITSTATUS(status);
    tell(name, errno == 0 ? 0 : -1);
}

#define CALL(name, expression) static long name(void) { return expression; }
CALL(remounts, mount("none", "/tmp", NULL, MS_REMOUNT | MS_BIND, NULL))
CALL(mounts, mount("none", "/tmp", "tmpfs", 0, NULL))
CALL(unmounts, umount2("/tmp", MNT_DETACH))
CALL(moves, syscall(SYS_move_mount, AT_FDCWD, "/tmp", AT_FDCWD, "/mnt", 0))
CALL(opens_tree, syscall(SYS_open_tree, AT_FDCWD, "/tmp", 1))
CALL(opens_tree_attr, syscall(467, AT_FDCWD, "/tmp", 1, NULL, 0))
CALL(sets_attributes, syscall(SYS_mount_setattr, AT_FDCWD, "/tmp", 0, (long[]){0, 8, 0, 0}, 32))
CALL(opens_fs, syscall(SYS_fsopen, "tmpfs", 0))
CALL(picks_fs, syscall(SYS_fspick, AT_FDCWD, "/tmp", 0))
CALL(unshares, unshare(CLONE_NEWUSER | CLONE_NEWNS))
CALL(unshares_files, unshare(CLONE_FILES))
CALL(sets_ns, setns(open("/proc/self/ns/mnt", O_RDONLY), 0))
CALL(clones, syscall(SYS_clone, CLONE_NEWUSER | 17, 0, 0, 0, 0))
CALL(clones3, syscall(SYS_clone3, &(struct clone_args){.exit_signal = 17}, sizeof(struct clone_args)))
CALL(chroots, chroot("/"))
CALL(pivots, syscall(SYS_pivot_root, "/tmp", "/tmp"))
CALL(traces, ptrace(PTRACE_TRACEME, 0, 0, 0))
CALL(handles, syscall(SYS_open_by_handle_at, AT_FDCWD, (int[4]){8, 1}, O_RDONLY))
CALL(faults, syscall(SYS_userfaultfd, O_CLOEXEC | 1))
CALL(rings, syscall(SYS_io_uring_setup, 1, (char[256]){0}))
CALL(measures, syscall(SYS_perf_event_open, (int[32]){1, 128}, 0, -1, -1, 0))
CALL(filters, syscall(SYS_bpf, 0, (char[128]){0}, 128))

int main(void)
{
    in_child("mount, remount", remounts);
    in_child("mount", mounts);
    in_child("umount", unmounts);
    in_child("move_mount", moves);
    in_child("open_tree", opens_tree);
    in_child("open_tree_attr", opens_tree_attr);
    in_child("mount_setattr", sets_attributes);
    in_child("fsopen", opens_fs);
    in_child("fspick", picks_fs);
    in_child("unshare", unshares);
    in_child("unshare CLONE_FILES", unshares_files);
    in_child("setns", sets_ns);
    in_child("clone CLONE_NEWUSER", clones);
    in_child("clone3", clones3);
    in_child("chroot", chroots);
    in_child("pivot_root", pivots);
    in_child("ptrace", traces);
    in_child("open_by_handle_at", handles);
    in_child("userfaultfd", faults);
    in_child("io_uring_setup", rings);
    in_child("perf_event_open", measures);
    in_child("bpf", filters);
    pthread_t id;
    errno = pthread_create(&id, NULL, thread, NULL);
    tell("thread", errno == 0 ? 0 : -1);
    puts("EXIT-SUCCESS");
    return 0;
}
