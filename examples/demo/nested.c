/*
 * A nested function that accesses the variables of its parent through the static chain: r10 on x86-64 (psABI, figure
 * 3.4). To pass such a function to qsort, GCC would write a trampoline to an executable stack. Here `bind` creates the
 * trampoline from the body and the chain.
 */
#include <stdlib.h>
#include <string.h>

typedef int (*comparator)(const void *, const void *);

/* The nested function's body. Taking its address in C would make GCC create a trampoline. */
extern char compare_body[] __attribute__((visibility("hidden")));
__asm__(".set compare_body, compare.0");

long sort_by_column(char *records, size_t count, size_t length, size_t column,
                    comparator (*bind)(void *body, void *chain))
{
    long comparisons = 0;

    __attribute__((noinline, noclone)) void *frame(void)
    {
        void *chain;
        __asm__ volatile("mov %%r10, %0" : "=r"(chain) : "m"(comparisons));
        return chain;
    }
    __attribute__((noinline, noclone)) int compare(const void *a, const void *b)
    {
        comparisons++;
        return memcmp((const char *)a + column, (const char *)b + column, length - column);
    }

    if (count == 0)
        return compare(records, records);
    qsort(records, count, length, bind(compare_body, frame()));
    return comparisons;
}
