/* Prints where the kernel's headers say that things are in the frame of a signal, and what its numbers are. */
#include <linux/signal.h>
#include <stddef.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>

int printf(const char *, ...);

#define PLACE(name, type, member) printf("\"%s\": %ld,\n", name, (long)offsetof(type, member))
#define SAVED(name, member) PLACE("saved." name, struct ucontext, uc_mcontext.member)
#define NUMBER(name, value) printf("\"%s\": %ld,\n", name, (long)(value))

#ifdef __x86_64__
static void print_frame(void)
{
    long code, stack;
    PLACE("ucontext.stackFlags", struct ucontext, uc_stack.ss_flags);
    PLACE("ucontext.registers", struct ucontext, uc_mcontext);
    PLACE("ucontext.fpstate", struct ucontext, uc_mcontext.fpstate);
    SAVED("r8", r8); SAVED("r9", r9); SAVED("r10", r10); SAVED("r11", r11);
    SAVED("r12", r12); SAVED("r13", r13); SAVED("r14", r14); SAVED("r15", r15);
    SAVED("rdi", rdi); SAVED("rsi", rsi); SAVED("rbp", rbp); SAVED("rbx", rbx);
    SAVED("rdx", rdx); SAVED("rax", rax); SAVED("rcx", rcx); SAVED("rsp", rsp);
    SAVED("rip", rip); SAVED("rflags", eflags); SAVED("segments", cs); SAVED("error", err);
    NUMBER("fpstate.magic", offsetof(struct _fpstate_64, sw_reserved.magic1));
    NUMBER("fpstate.features", offsetof(struct _fpstate_64, sw_reserved.xfeatures));
    NUMBER("fpstate.xsaveMagic", FP_XSTATE_MAGIC1);
    NUMBER("autodisarm", (int)SS_AUTODISARM);
    __asm__("mov %%cs, %0; mov %%ss, %1" : "=r"(code), "=r"(stack));
    NUMBER("segments.code", code & 0xffff);
    NUMBER("segments.stack", stack & 0xffff);
}
#else
static void print_frame(void)
{
    PLACE("ucontext.registers", struct ucontext, uc_mcontext.regs);
    PLACE("ucontext.sp", struct ucontext, uc_mcontext.sp);
    PLACE("ucontext.pc", struct ucontext, uc_mcontext.pc);
    PLACE("linkRegister", struct ucontext, uc_mcontext.regs[30]);
}
#endif

int main(void)
{
    printf("{\n");
    PLACE("siginfo.code", siginfo_t, si_code);
    PLACE("siginfo.address", siginfo_t, si_addr);
    print_frame();
    PLACE("action.handler", struct sigaction, sa_handler);
    PLACE("action.flags", struct sigaction, sa_flags);
    PLACE("action.restorer", struct sigaction, sa_restorer);
    PLACE("action.mask", struct sigaction, sa_mask);
    NUMBER("action.size", sizeof(struct sigaction));
    NUMBER("SIGSEGV", SIGSEGV);
    NUMBER("SA_SIGINFO", SA_SIGINFO); NUMBER("SA_ONSTACK", SA_ONSTACK);
    printf("\"SA_NODEFER\": %ld\n}\n", (long)SA_NODEFER);
    return 0;
}
