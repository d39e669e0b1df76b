/* What /proc reports about the process and its threads, including names. */
#define _GNU_SOURCE
#include "../check.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/prctl.h>

static int count(const char *path)
{
    int found = 0;
    DIR *folder = opendir(path);
    CHECK(folder != NULL);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        found += entry->d_name[0] != '.';
    closedir(folder);
    return found;
}

static void *name(void *argument)
{
    char text[32] = "";
    CHECK(prctl(PR_SET_NAME, "a thread") == 0);
    FILE *file = fopen("/proc/thread-self/comm", "r");
    CHECK(fgets(text, sizeof text, file) != NULL);
    printf("%s%d tasks\n", text, count("/proc/self/task"));
    fclose(file);
    return argument;
}

int main(void)
{
    pthread_t thread;
    char line[256], state = 0;
    CHECK(pthread_create(&thread, NULL, name, NULL) == 0 && pthread_join(thread, NULL) == 0);
    printf("%d descriptors\n", count("/proc/self/fd"));
    FILE *status = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, status) != NULL)
        if (sscanf(line, "State: %c", &state) == 1)
            fputs(line, stdout);
    fclose(status);
    FILE *memory = fopen("/proc/self/mem", "r");
    CHECK(memory != NULL && fclose(memory) == 0);
    return success();
}
