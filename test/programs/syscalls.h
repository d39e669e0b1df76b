/* For programs that compare what trampfd's calls answer with trampfd_create(2). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <trampfd.h>

#include <stdio.h>

static int wrong;

/* Error 0 is success. */
static void expect(int line, const char *call, long result, int error)
{
    if (error == 0 ? result >= 0 : result == -1 && errno == error)
        return;
    printf("line %d: %s: %ld, %s; not %s\n", line, call, result, result < 0 ? strerror(errno) : "no error",
           strerror(error));
    wrong++;
}

static void expect_true(int line, const char *condition, int is_true)
{
    if (!is_true)
        printf("line %d: not %s\n", line, condition);
    wrong += !is_true;
}

#define EXPECT(error, call) (errno = 0, expect(__LINE__, #call, (long)(call), error))
#define TRUE(condition) expect_true(__LINE__, #condition, condition)

static inline int conclude(void)
{
    puts(wrong == 0 ? "EXIT-SUCCESS" : "wrong answers");
    return wrong != 0;
}

static int make_user(uint32_t flags, uint32_t count)
{
    struct trampfd_user user = {flags, count};
    return trampfd_create(TRAMPFD_USER, &user, 0);
}

static struct trampfd_reg reg(uint32_t name, uint64_t value)
{
    struct trampfd_reg made = {name, 0, value};
    return made;
}

static long add(long a, long b) { return a + b; }
