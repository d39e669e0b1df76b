/* A nested function of GCC's, without the trampoline that GCC would build on an executable stack. */
#include <stdlib.h>

typedef int comparator(const void *, const void *);
/* Makes a function pointer of a nested function's code and its static chain. */
typedef comparator *maker(comparator *body, void *chain);

/* Taking a nested function's address builds the trampoline. This is the same code, under a name for the assembler. */
extern comparator body_of_compare __asm__("nested_compare_body") __attribute__((visibility("hidden")));

/* Sorts up (direction 1) or down (-1), and returns how many comparisons that took. */
long sort_nested(int *values, long count, int direction, maker *make)
{
    long comparisons = 0;

    auto int compare(const void *, const void *) __asm__("nested_compare_body");
    __attribute__((noinline, used)) int compare(const void *a, const void *b)
    {
        comparisons++;
        return direction * (*(const int *)a - *(const int *)b);
    }

    /* Both functions use variables of this one, so both get the same chain. */
    __attribute__((noinline)) void *own_chain(void)
    {
        void *chain;
#if defined(__x86_64__)
        __asm__ volatile("mov %%r10, %0" : "=r"(chain) : "m"(comparisons));
#elif defined(__aarch64__)
        __asm__ volatile("mov %0, x18" : "=r"(chain) : "m"(comparisons));
#endif
        return chain;
    }

    qsort(values, count, sizeof *values, make(body_of_compare, own_chain()));
    return comparisons;
}
