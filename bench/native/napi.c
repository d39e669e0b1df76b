/* The rival without a library: a C addon that calls a JavaScript function, as its author would write it. */
#include "run.h"
#include <node_api.h>

static napi_env env;
static napi_value callee, receiver;

static int compare(const void *first, const void *second)
{
    napi_value values[2], result;
    int32_t number = 0;
    napi_create_double(env, (double)(uintptr_t)first, &values[0]);
    napi_create_double(env, (double)(uintptr_t)second, &values[1]);
    napi_call_function(env, receiver, callee, 2, values, &result);
    napi_get_value_int32(env, result, &number);
    return number;
}

void closure_loop(struct run *run);

/* run(words, function): the loop, in pieces of 256 calls with a handle scope each. */
static napi_value run_loop(napi_env given, napi_callback_info info)
{
    size_t count = 2;
    napi_value arguments[2];
    struct run *run;
    env = given;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    napi_get_typedarray_info(env, arguments[0], NULL, NULL, (void **)&run, NULL, NULL);
    napi_get_undefined(env, &receiver);
    callee = arguments[1];
    uint64_t left = run->count, sum = 0, time = 0;
    while (left > 0) {
        napi_handle_scope scope;
        struct run part = *run;
        part.call = (function *)(uintptr_t)compare;
        part.count = left < 256 ? left : 256;
        napi_open_handle_scope(env, &scope);
        closure_loop(&part);
        napi_close_handle_scope(env, scope);
        left -= part.count;
        sum += part.sum;
        time += part.nanoseconds;
    }
    run->sum = sum;
    run->nanoseconds = time;
    return NULL;
}

NAPI_MODULE_INIT()
{
    napi_value run;
    napi_create_function(env, "run", NAPI_AUTO_LENGTH, run_loop, NULL, &run);
    napi_set_named_property(env, exports, "run", run);
    return exports;
}
