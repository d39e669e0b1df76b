/*
 * Calls a function with everything that arguments can be in, and stores everything that results can be in.
 * The words of a call, in test/machine/calls.test.ts: nine general and eight vector registers, how many vector
 * registers there are, the function, the stack's words and their number, which is even; then what two general and
 * four vector registers were on return. Registers that an architecture does not have stay as they are.
 */
    .text

/* void call_with(uint64_t *words) */
    .globl call_with
    .type call_with, %function
call_with:
#if defined(__x86_64__)
    endbr64
    push %rbp
    mov %rsp, %rbp
    push %rbx
    sub $8, %rsp
    mov %rdi, %rbx
    mov 20 * 8(%rbx), %rcx
    mov 19 * 8(%rbx), %rsi
    lea (, %rcx, 8), %rax
    sub %rax, %rsp
    mov %rsp, %rdi
    rep movsq
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    movq (9 + \number) * 8(%rbx), %xmm\number
    .endr
    mov 0 * 8(%rbx), %rdi
    mov 1 * 8(%rbx), %rsi
    mov 2 * 8(%rbx), %rdx
    mov 3 * 8(%rbx), %rcx
    mov 4 * 8(%rbx), %r8
    mov 5 * 8(%rbx), %r9
    mov 17 * 8(%rbx), %rax
    call *18 * 8(%rbx)
    mov %rax, 21 * 8(%rbx)
    mov %rdx, 22 * 8(%rbx)
    movq %xmm0, 23 * 8(%rbx)
    movq %xmm1, 24 * 8(%rbx)
    mov -8(%rbp), %rbx
    mov %rbp, %rsp
    pop %rbp
    ret
#elif defined(__aarch64__)
    bti c
    stp x29, x30, [sp, #-32]!
    mov x29, sp
    str x19, [sp, #16]
    mov x19, x0
    ldp x9, x10, [x19, #19 * 8]
    sub sp, sp, x10, lsl #3
    mov x11, sp
    cbz x10, 2f
1:  ldr x12, [x9], #8
    str x12, [x11], #8
    subs x10, x10, #1
    b.ne 1b
2:
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    ldr d\number, [x19, #(9 + \number) * 8]
    .endr
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8
    ldr x\number, [x19, #\number * 8]
    .endr
    ldr x9, [x19, #18 * 8]
    blr x9
    stp x0, x1, [x19, #21 * 8]
    stp d0, d1, [x19, #23 * 8]
    stp d2, d3, [x19, #25 * 8]
    mov sp, x29
    ldr x19, [sp, #16]
    ldp x29, x30, [sp], #32
    ret
#endif
    .size call_with, . - call_with

    .section .note.GNU-stack, "", %progbits
