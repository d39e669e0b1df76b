/*
 * A nested function as a callback, without an executable stack.
 *
 * A nested function accesses the variables of its parent through one register, the static chain. For a pointer to it,
 * GCC writes code to the stack that loads this register and jumps, so such programs need an executable stack. Here the
 * trampoline is an object, and the stack is not executable.
 *
 * Nested functions are an extension of GCC.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <trampfd.h>

typedef int comparator(const void *, const void *);

/* The nested function's code. Taking its address in C would make GCC create its own trampoline. */
extern comparator body_of_compare __asm__("nested_body") __attribute__((visibility("hidden")));

/* Sorts words by the letters from `column` on. Returns the number of comparisons; -1 on failure. */
static long sort_from(size_t column, char (*words)[8], size_t count)
{
    long comparisons = 0;

    auto comparator compare __asm__("nested_body");
    __attribute__((noinline, used)) int compare(const void *a, const void *b)
    {
        comparisons++;
        return strcmp((const char *)a + column, (const char *)b + column);
    }

    /* Uses a variable of the parent, so that it has the same chain. */
    __attribute__((noinline)) uintptr_t own_chain(void)
    {
        uintptr_t chain;
#ifdef __x86_64__
        __asm__ volatile("mov %%r10, %0" : "=r"(chain) : "m"(comparisons));
#else
        __asm__ volatile("mov %0, x18" : "=r"(chain) : "m"(comparisons));
#endif
        return chain;
    }

    struct trampfd_user user = {.count = 1};
    struct trampfd_reg regs[] = {
        {.name = TRAMPFD_REG_PC, .value = (uintptr_t)body_of_compare},
        {.name = TRAMPFD_REG_CHAIN, .value = own_chain()},
    };
    uintptr_t address;
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (fd < 0 || trampfd_set_regs(fd, regs, 2) != 0 || trampfd_map(fd, &address) != 0)
        return -1;
    qsort(words, count, sizeof *words, (comparator *)address);
    trampfd_unmap(fd, address);
    close(fd);
    return comparisons;
}

int main(void)
{
    char words[][8] = {"willow", "alder", "birch", "maple", "spruce", "cedar", "hazel", "poplar"};
    size_t count = sizeof words / sizeof *words;

    for (size_t column = 0; column < 3; column++) {
        long comparisons = sort_from(column, words, count);
        if (comparisons < 0) {
            perror("trampfd");
            return 1;
        }
        printf("from letter %zu:", column + 1);
        for (size_t i = 0; i < count; i++)
            printf(" %s", words[i]);
        printf(" (%ld comparisons)\n", comparisons);
    }
    puts("EXIT-SUCCESS");
    return 0;
}
