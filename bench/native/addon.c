/* The way without a library: functions of a C addon, as its author would write them. */
#include <node_api.h>

int add_ints(int first, int second);
double add_doubles(double first, double second);

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

NAPI_MODULE_INIT()
{
    napi_property_descriptor functions[] = {
        {.utf8name = "addInts", .method = addInts, .attributes = napi_enumerable},
        {.utf8name = "addDoubles", .method = addDoubles, .attributes = napi_enumerable},
    };
    napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
    return exports;
}
