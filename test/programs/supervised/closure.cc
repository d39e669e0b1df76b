// A C++ closure called as a C function pointer, and an exception that unwinds through it.
#include <functional>
#include <stdexcept>
#include "check.h"

static int invoke(const std::function<int()> *function)
{
    return (*function)();
}

int main()
{
    int calls = 0;
    std::function<int()> count = [&calls] {
        if (++calls == 3)
            throw std::runtime_error("three");
        return calls;
    };
    for (uint32_t flags : {0, TRAMPFD_SLOW}) {
        calls = 0;
        const int fd = make(flags, 1);
        CHECK(set_target(fd, 0, reinterpret_cast<uintptr_t>(invoke), reinterpret_cast<uintptr_t>(&count)) == 0);
        const auto closure = reinterpret_cast<int (*)()>(map(fd));
        CHECK(closure() == 1 && closure() == 2);
        bool thrown = false;
        try {
            closure();
        } catch (const std::runtime_error &) {
            thrown = true;
        }
        CHECK(thrown && closure() == 4);
    }
    return success();
}
