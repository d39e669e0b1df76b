/* Functions that JavaScript calls, and functions that call JavaScript. */
#include "run.h"

int add_ints(int first, int second)
{
    return first + second;
}

int add_six(int a, int b, int c, int d, int e, int f)
{
    return a + b + c + d + e + f;
}

int read_int(const int *from)
{
    return *from;
}

double add_doubles(double first, double second)
{
    return first + second;
}

/* Calls each function of a list once. If they add, the sum proves that each was called with its arguments. */
int call_callbacks(int (*const *list)(int, int), int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum += list[i](i & 15, 3);
    return sum;
}

/* Nanoseconds of one call; -1 unless each call returned the sum of its arguments. */
#define TIMED(call, expected)                                            \
    double sum = 0;                                                      \
    uint64_t start = now();                                              \
    for (int i = 0; i < count; i++)                                      \
        sum += call;                                                     \
    uint64_t time = now() - start;                                       \
    for (int i = 0; i < count; i++)                                      \
        sum -= expected;                                                 \
    return sum == 0 ? (double)time / count : -1

double time_six_ints(int (*callee)(int, int, int, int, int, int), int count)
{
    TIMED(callee(i, 1, 2, 3, 4, 5), i + 15);
}

double time_doubles(double (*callee)(double, double), int count)
{
    TIMED(callee(i, 0.5), i + 0.5);
}

struct point {
    double x, y;
};

double time_point(double (*callee)(struct point), int count)
{
    struct point point = {.y = 0.5};
    TIMED((point.x = i, callee(point)), i + 0.5);
}
