/* The stores of many table trampolines, without trampolines: a lower bound for `addMany`. */
#include <string.h>
#include <sys/mman.h>

#include "run.h"

struct slot {
    uint64_t pc, value;
};

/* Slots of a region: a MiB of code has as many. */
enum { region_slots = 32768 };

static void *map(uint64_t length)
{
    void *address = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return address == MAP_FAILED ? NULL : address;
}

/* Replaces each value of a list by the address of a slot with that value. Slots and addresses are in fresh memory. The
   sum is their number. */
void store_each(struct run *run, uint64_t *list)
{
    uint64_t start = now();
    uint64_t made = 0, count = run->count;
    uint64_t *addresses = map(count * sizeof *addresses);
    while (addresses != NULL && made < count) {
        struct slot *slots = map(region_slots * sizeof *slots);
        if (slots == NULL)
            break;
        for (uint64_t i = 0; i < region_slots && made < count; i++, made++) {
            slots[i] = (struct slot){run->third, list[made]};
            addresses[made] = (uint64_t)&slots[i];
        }
    }
    memcpy(list, addresses, made * sizeof *list);
    run->nanoseconds = now() - start;
    run->sum = made;
}

/* The sum is that of the values in a list of slots. */
void sum_stored(struct run *run, struct slot *const *list)
{
    run->sum = 0;
    for (uint64_t i = 0; i < run->count; i++)
        run->sum += list[i]->value;
}
