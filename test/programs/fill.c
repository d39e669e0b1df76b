/* Uses up the mappings that a process may have. In C, since JavaScript would need some for its garbage. */
#include <sys/mman.h>

enum { PAGE = 4096, MOST = 1 << 20 };

static char *start;
static long length;
static void *single[MOST];
static long count;

/* Returns how many mappings were made. */
long fill_mappings(long most)
{
    length = 2 * PAGE * most;
    start = mmap(0, length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) return -1;
    /* Neighbours with different protections are different mappings… */
    for (char *at = start; count < most && mprotect(at, PAGE, PROT_READ) == 0; at += 2 * PAGE) single[count++] = at;
    /* …and the kernel allows one more to be mapped than to be split. Shared ones are never joined. */
    while (count < MOST) {
        void *at = mmap(0, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (at == MAP_FAILED) break;
        single[count++] = at;
    }
    return count;
}

/* Frees space for one. */
int fill_yield(void) { return count == 0 ? -1 : munmap(single[--count], PAGE); }

int fill_remove(void)
{
    while (count > 0) fill_yield();
    return munmap(start, length);
}
