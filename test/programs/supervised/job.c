/* Runs a command as a job, as a shell does, and stops and continues it repeatedly. job COMMAND ARGUMENT... */
#include "../slow.h"

static int to, from;

/* The program replies while it runs. */
static int answers(void)
{
    char byte = 0;
    return write(to, "?", 1) == 1 && read(from, &byte, 1) == 1 && byte == '!';
}

int main(int argc, char **argv)
{
    int in[2], out[2], status;
    CHECK(argc > 1 && pipe(in) == 0 && pipe(out) == 0);
    pid_t job = fork();
    if (job == 0) {
        setpgid(0, 0);
        dup2(in[0], 0);
        dup2(out[1], 1);
        for (int fd = 3; fd <= out[1]; fd++) close(fd);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    to = in[1], from = out[0];
    close(out[1]);
    CHECK(answers());
    for (int round = 0; round < 5; round++) {
        CHECK(kill(-job, SIGTSTP) == 0);
        CHECK(waitpid(job, &status, WUNTRACED) == job && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
        CHECK(kill(-job, SIGCONT) == 0);
        CHECK(waitpid(job, &status, WCONTINUED) == job && WIFCONTINUED(status));
        CHECK(answers());
    }
    close(in[1]);
    CHECK(WEXITSTATUS(status_of(job)) == 7);
    puts("EXIT-SUCCESS");
    return 0;
}
