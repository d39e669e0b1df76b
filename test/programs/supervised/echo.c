/* Echoes every byte and invokes a slow object each time, as other threads do. Exits with 7. */
#include "../slow.h"
#include <pthread.h>

static uintptr_t address;

static void *invoke(void *unused)
{
    for (;;) CHECK(sums(address, 5));
    return unused;
}

int main(void)
{
    pthread_t thread;
    char byte;
    CHECK(make_slow(sum, 5, &address) >= 0);
    for (int i = 0; i < 3; i++) CHECK(pthread_create(&thread, NULL, invoke, NULL) == 0);
    while (read(0, &byte, 1) == 1) CHECK(sums(address, 5) && write(1, "!", 1) == 1);
    return 7;
}
