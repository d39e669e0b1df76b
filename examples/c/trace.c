/*
 * A tracer. A handler intercepts the calls of all functions of a table and sees the registers of each call. It prints the
 * arguments and continues the call, or returns a result itself. Neither functions nor callers are compiled for it.
 */
#include <stdio.h>
#include <trampfd.h>

typedef long operation(long, long);

static long add(long a, long b) { return a + b; }
static long multiply(long a, long b) { return a * b; }
static long divide(long a, long b) { return a / b; }

static const char *const names[] = {"add", "multiply", "divide"};
static operation *operations[] = {add, multiply, divide};
enum { count = sizeof operations / sizeof *operations };

/* The original functions, and the addresses of the trampolines. */
static operation *traced[count];
static uintptr_t first;
static uint32_t stride;

static void trace(struct trampfd_saved *saved, void *trampoline)
{
    const size_t i = ((uintptr_t)trampoline - first) / stride;
    const long a = (long)*trampfd_saved_reg(saved, TRAMPFD_REG_ARG0);
    const long b = (long)*trampfd_saved_reg(saved, TRAMPFD_REG_ARG1);
    if (traced[i] == divide && b == 0) {
        printf("  %s(%ld, %ld) would crash; the result is 0\n", names[i], a, b);
        trampfd_return(saved, 0);
    } else {
        printf("  %s(%ld, %ld)\n", names[i], a, b);
        trampfd_tail_call(saved, (uintptr_t)traced[i]);
    }
}

/* Replaces each function by a trampoline. Returns -1 on failure. */
static int trace_all(void)
{
    struct trampfd_handler handler = {.count = count};
    struct trampfd_reg pc = {.name = TRAMPFD_REG_PC, .value = (uintptr_t)trace};
    struct trampfd_map map;
    int fd = trampfd_create(TRAMPFD_HANDLER, &handler, 0);
    if (fd < 0 || trampfd_get_map(fd, &map) != 0 || trampfd_map(fd, &first) != 0)
        return -1;
    stride = map.stride;
    for (uint32_t i = 0; i < count; i++) {
        if (trampfd_set_regs_at(fd, i, &pc, 1) != 0)
            return -1;
        traced[i] = operations[i];
        operations[i] = (operation *)(first + i * stride);
    }
    return close(fd);
}

/* Returns the mean of some numbers, calculated with the table's functions. */
static long mean(const long *numbers, long n)
{
    long sum = 0;
    for (long i = 0; i < n; i++)
        sum = operations[0](sum, numbers[i]);
    return operations[2](sum, n);
}

int main(void)
{
    const long numbers[] = {12, 30, 15};

    if (trace_all() != 0) {
        perror("trampfd");
        return 1;
    }
    printf("the mean of three numbers is %ld\n", mean(numbers, 3));
    printf("the mean of no numbers is %ld\n", mean(numbers, 0));
    printf("six times seven is %ld\n", operations[1](6, 7));
    puts("EXIT-SUCCESS");
    return 0;
}
