/* Functions of a C add-on, without a library for the glue. */
#include <node_api.h>
#include <string.h>

int add_ints(int first, int second);
double add_doubles(double first, double second);

struct point {
    double x, y;
};

double time_six_ints(int (*callee)(int, int, int, int, int, int), int count);
double time_doubles(double (*callee)(double, double), int count);
double time_point(double (*callee)(struct point), int count);

static napi_value addInts(napi_env env, napi_callback_info info)
{
    size_t count = 2;
    napi_value given[2], result;
    int32_t first, second;
    if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok ||
        napi_get_value_int32(env, given[0], &first) != napi_ok ||
        napi_get_value_int32(env, given[1], &second) != napi_ok ||
        napi_create_int32(env, add_ints(first, second), &result) != napi_ok)
        return NULL;
    return result;
}

static napi_value addDoubles(napi_env env, napi_callback_info info)
{
    size_t count = 2;
    napi_value given[2], result;
    double first, second;
    if (napi_get_cb_info(env, info, &count, given, NULL, NULL) != napi_ok ||
        napi_get_value_double(env, given[0], &first) != napi_ok ||
        napi_get_value_double(env, given[1], &second) != napi_ok ||
        napi_create_double(env, add_doubles(first, second), &result) != napi_ok)
        return NULL;
    return result;
}

/* ---- C functions that call a JavaScript function ---- */

static napi_env env;
static napi_value callee, receiver;

static napi_value called(size_t count, const napi_value *given)
{
    napi_value result = NULL;
    napi_call_function(env, receiver, callee, count, given, &result);
    return result;
}

static int six_ints(int a, int b, int c, int d, int e, int f)
{
    const int numbers[] = {a, b, c, d, e, f};
    napi_value given[6];
    int32_t result = 0;
    for (int i = 0; i < 6; i++)
        napi_create_int32(env, numbers[i], &given[i]);
    napi_get_value_int32(env, called(6, given), &result);
    return result;
}

static double doubles(double first, double second)
{
    napi_value given[2];
    double result = 0;
    napi_create_double(env, first, &given[0]);
    napi_create_double(env, second, &given[1]);
    napi_get_value_double(env, called(2, given), &result);
    return result;
}

static double sum_point(struct point point)
{
    napi_value given, x, y;
    double result = 0;
    napi_create_object(env, &given);
    napi_create_double(env, point.x, &x);
    napi_create_double(env, point.y, &y);
    napi_set_named_property(env, given, "x", x);
    napi_set_named_property(env, given, "y", y);
    napi_get_value_double(env, called(1, &given), &result);
    return result;
}

static double timed(const char *name, int count)
{
    if (strcmp(name, "time_six_ints") == 0)
        return time_six_ints(six_ints, count);
    if (strcmp(name, "time_doubles") == 0)
        return time_doubles(doubles, count);
    return time_point(sum_point, count);
}

/* time(name, function, count): mean time of a call, in batches of 256 with a handle scope each; -1 if a result is
   wrong. */
static napi_value timeCalls(napi_env given, napi_callback_info info)
{
    size_t count = 3;
    napi_value arguments[3], result;
    char name[16];
    int32_t calls;
    double time = 0;
    env = given;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    napi_get_value_string_utf8(env, arguments[0], name, sizeof name, NULL);
    callee = arguments[1];
    napi_get_value_int32(env, arguments[2], &calls);
    napi_get_undefined(env, &receiver);
    for (int left = calls; left > 0 && time >= 0; left -= 256) {
        napi_handle_scope scope;
        int part = left < 256 ? left : 256;
        napi_open_handle_scope(env, &scope);
        double each = timed(name, part);
        napi_close_handle_scope(env, scope);
        time = each < 0 ? -1 : time + each * part / calls;
    }
    napi_create_double(env, time, &result);
    return result;
}

NAPI_MODULE_INIT()
{
    napi_property_descriptor functions[] = {
        {.utf8name = "time", .method = timeCalls, .attributes = napi_enumerable},
        {.utf8name = "addInts", .method = addInts, .attributes = napi_enumerable},
        {.utf8name = "addDoubles", .method = addDoubles, .attributes = napi_enumerable},
    };
    napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
    return exports;
}
