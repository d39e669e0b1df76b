/* C add-on that calls a JavaScript function, without a library for the glue. */
#include "run.h"
#include <node_api.h>
#include <semaphore.h>

static napi_env env;
static napi_value callee, receiver;

static int call_with(napi_value function, const void *first, const void *second)
{
    napi_value values[2], result;
    int32_t number = 0;
    napi_create_double(env, (double)(uintptr_t)first, &values[0]);
    napi_create_double(env, (double)(uintptr_t)second, &values[1]);
    napi_call_function(env, receiver, function, 2, values, &result);
    napi_get_value_int32(env, result, &number);
    return number;
}

static int compare(const void *first, const void *second)
{
    return call_with(callee, first, second);
}

void closure_loop(struct run *run);

/* run(words, function): the loop, in batches of 256 calls with a handle scope each. */
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

/* ---- Calls from another thread, which waits for each result ---- */

struct question {
    const void *first, *second;
    int answer;
    sem_t answered;
};

static napi_threadsafe_function relay;
static napi_async_work work;
static napi_deferred deferred;

/* Runs on the JavaScript thread. */
static void answer(napi_env given, napi_value function, void *context, void *data)
{
    struct question *question = data;
    (void)context;
    env = given;
    napi_get_undefined(env, &receiver);
    question->answer = call_with(function, question->first, question->second);
    sem_post(&question->answered);
}

static int ask(const void *first, const void *second)
{
    struct question question = {.first = first, .second = second};
    sem_init(&question.answered, 0, 0);
    napi_call_threadsafe_function(relay, &question, napi_tsfn_blocking);
    while (sem_wait(&question.answered) != 0)
        continue;
    sem_destroy(&question.answered);
    return question.answer;
}

static void execute(napi_env given, void *data)
{
    struct run *run = data;
    (void)given;
    run->call = (function *)(uintptr_t)ask;
    closure_loop(run);
}

static void complete(napi_env given, napi_status status, void *data)
{
    napi_value nothing;
    (void)status;
    (void)data;
    napi_get_undefined(given, &nothing);
    napi_release_threadsafe_function(relay, napi_tsfn_release);
    napi_delete_async_work(given, work);
    napi_resolve_deferred(given, deferred, nothing);
}

/* runElsewhere(words, function): the loop, on a thread of libuv's pool. Returns a promise. */
static napi_value run_elsewhere(napi_env given, napi_callback_info info)
{
    size_t count = 2;
    napi_value arguments[2], name, promise;
    struct run *run;
    napi_get_cb_info(given, info, &count, arguments, NULL, NULL);
    napi_get_typedarray_info(given, arguments[0], NULL, NULL, (void **)&run, NULL, NULL);
    napi_create_string_utf8(given, "runElsewhere", NAPI_AUTO_LENGTH, &name);
    napi_create_threadsafe_function(given, arguments[1], NULL, name, 0, 1, NULL, NULL, NULL, answer, &relay);
    napi_create_async_work(given, NULL, name, execute, complete, run, &work);
    napi_create_promise(given, &deferred, &promise);
    napi_queue_async_work(given, work);
    return promise;
}

NAPI_MODULE_INIT()
{
    napi_property_descriptor functions[] = {
        {.utf8name = "run", .method = run_loop, .attributes = napi_enumerable},
        {.utf8name = "runElsewhere", .method = run_elsewhere, .attributes = napi_enumerable},
    };
    napi_define_properties(env, exports, sizeof functions / sizeof *functions, functions);
    return exports;
}
