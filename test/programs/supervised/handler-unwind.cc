/*
 * Handlers of an object throw exceptions. The object's mapping begins with the unwind table, which __register_frame
 * registers. Handlers and callers are in ../handler-unwind.cc, which the tests of the library's trampolines use, too.
 */
#include <exception>
#include <sys/wait.h>
#include "check.h"

typedef long entry(long);
typedef void handler(void *saved, void *trampoline);

extern "C" {
handler throw_argument, call_next, leave_caller_out, look_back, jump_with_argument, exit_with_argument, give_back;
void set_next(entry *);
int guards_destroyed_here(), catch_in_threads(entry *), skipped(entry *), frames_from(entry *), jump_from(entry *);
long catch_from(entry *, long, long, long, long, long), exit_from(entry *);
int wrong_steps(entry *, uint64_t first, uint64_t end), steps_taken();
void __register_frame(void *table);
void __deregister_frame(void *table);
}

/* Several instances of one object, so that the called one is not the first. */
struct object {
    enum : uint32_t { count = 3 };
    int fd;
    uintptr_t address;
    struct trampfd_map map;
    void *table;
};

static object make_object()
{
    object made = {};
    struct trampfd_handler data = {0, object::count};
    made.fd = trampfd_create(TRAMPFD_HANDLER, &data, 0);
    CHECK(made.fd >= 0 && trampfd_get_map(made.fd, &made.map) == 0);
    CHECK(trampfd_map(made.fd, &made.address) == 0);
    made.table = reinterpret_cast<void *>(made.address - made.map.ioffset);
    __register_frame(made.table);
    return made;
}

static entry *set_handler(const object &made, uint32_t instance, handler *to)
{
    const struct trampfd_reg pc = {TRAMPFD_REG_PC, 0, reinterpret_cast<uintptr_t>(to)};
    CHECK(trampfd_set_regs_at(made.fd, instance, &pc, 1) == 0);
    return reinterpret_cast<entry *>(made.address + instance * made.map.stride);
}

/* The code that the table describes: the FDE, after the CIE, has its relative address and length. */
static void find_common(const object &made, uint64_t *first, uint64_t *end)
{
    const char *fde = static_cast<char *>(made.table);
    uint32_t length;
    memcpy(&length, fde, sizeof length);
    fde += sizeof length + length;
    int64_t words[2];
    memcpy(words, fde + 8, sizeof words);
    *first = static_cast<uint64_t>(reinterpret_cast<intptr_t>(fde + 8) + words[0]);
    *end = *first + static_cast<uint64_t>(words[1]);
    CHECK(*first == made.address + object::count * made.map.stride);
}

int main()
{
    object one = make_object(), other = make_object();
    int before = guards_destroyed_here();
    entry *thrower = set_handler(one, 1, throw_argument);
    for (int i = 0; i < 100; i++)
        CHECK(catch_from(thrower, i, 2, 3, 4, 5) == 2 * i + 54320);
    CHECK(guards_destroyed_here() == before + 200);

    /* Through two objects. */
    set_next(thrower);
    CHECK(catch_from(set_handler(other, 2, call_next), 6, 5, 4, 3, 2) == 2 * 6 + 23450);
    CHECK(catch_in_threads(thrower) == 8 * 200);
    CHECK(skipped(set_handler(one, 0, leave_caller_out)) == 2);
    CHECK(frames_from(set_handler(one, 0, look_back)) == 2);
    CHECK(jump_from(set_handler(other, 0, jump_with_argument)) == 43);
    CHECK(exit_from(set_handler(other, 0, exit_with_argument)) == 44);

    /* From every instruction of the shared code. */
    uint64_t first, end;
    find_common(one, &first, &end);
    CHECK(wrong_steps(set_handler(one, 2, give_back), first, end) == 0 && steps_taken() > 50);

    /* The table is deregistered: the exception finds no handler. */
    __deregister_frame(one.table);
    pid_t child = fork();
    if (child == 0) {
        std::set_terminate([] { _exit(42); });
        catch_from(thrower, 1, 0, 0, 0, 0);
        _exit(0);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(trampfd_unmap(one.fd, one.address) == 0);
    CHECK(catch_from(set_handler(other, 1, throw_argument), 7, 0, 0, 0, 0) == 14);
    return success();
}
