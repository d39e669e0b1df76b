/* A file system whose server never replies: checking whether its files are objects does not block. */
#define _GNU_SOURCE
#include "check.h"
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

int main(void)
{
    char options[64];
    struct trampfd_map map;
    CHECK(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    int server = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", server);
    CHECK(server >= 0 && mount("none", "/tmp", "fuse.silent", 0, options) == 0);
    int file = open("/tmp", O_PATH | O_CLOEXEC);
    CHECK(file >= 0);
    alarm(10);
    REFUSED(trampfd_get_map(file, &map), EBADF);
    return success();
}
