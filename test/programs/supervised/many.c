/* 10,000 live objects, none with an fd. Each input line is a step. */
#include <sys/resource.h>
#include "check.h"

enum { most = 10000 };
static uintptr_t addresses[most];

static uint64_t same(uint64_t value)
{
    return value;
}

static void make_all(uint64_t key)
{
    for (uint64_t i = 0; i < most; i++) {
        int fd = make(i % 10 == 0 ? TRAMPFD_SLOW : 0, 1);
        CHECK(fd < 1024 && set_target(fd, 0, (uintptr_t)same, i ^ key) == 0);
        addresses[i] = map(fd);
        close(fd);
    }
    for (uint64_t i = 0; i < most; i++)
        CHECK(call(addresses[i]) == (i ^ key));
}

static void release_all(size_t fast, size_t slow)
{
    for (size_t i = 0; i < most; i++)
        CHECK(munmap((void *)addresses[i], i % 10 == 0 ? slow : fast) == 0);
}

int main(void)
{
    char line[64];
    struct trampfd_map fast, slow;
    struct rlimit files;
    CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur == 1024);
    int one = make(0, 1), other = make(TRAMPFD_SLOW, 1);
    CHECK(trampfd_get_map(one, &fast) == 0 && trampfd_get_map(other, &slow) == 0);
    setlinebuf(stdout);
    for (uint64_t key = 1; fgets(line, sizeof line, stdin) != NULL; key++) {
        if (line[0] == 'm')
            make_all(key);
        else
            release_all(fast.size, slow.size);
        puts("done");
    }
    return success();
}
