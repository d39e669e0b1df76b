/* Linked to a program, maps a slow object before main, so that the supervisor traces the program. */
#include <stdio.h>
#include <string.h>
#include <trampfd.h>

__attribute__((constructor)) static void make_slow_object(void)
{
    struct trampfd_user user = {.flags = TRAMPFD_SLOW};
    uintptr_t address;
    char line[128];
    int tracer = 0;
    if (!trampfd_supported())
        return;
    int fd = trampfd_create(TRAMPFD_USER, &user, 0);
    if (fd < 0 || trampfd_map(fd, &address) != 0)
        _exit(99);
    close(fd);
    FILE *status = fopen("/proc/self/status", "r");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        sscanf(line, "TracerPid: %d", &tracer);
    if (status == NULL || fclose(status) != 0 || tracer == 0)
        _exit(98);
}
