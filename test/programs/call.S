/*
 * Calls a function with everything that arguments can be in, and stores everything that results can be in.
 * The words of a call, in test/support/probe.ts: six general and eight vector registers, rax, the function,
 * the stack's words and their number, which is even; then what rax, rdx, xmm0 and xmm1 were on return.
 */
    .text

/* void call_with(uint64_t *words) */
    .globl call_with
    .type call_with, @function
call_with:
    endbr64
    push %rbp
    mov %rsp, %rbp
    push %rbx
    sub $8, %rsp
    mov %rdi, %rbx
    mov 17 * 8(%rbx), %rcx
    mov 16 * 8(%rbx), %rsi
    lea (, %rcx, 8), %rax
    sub %rax, %rsp
    mov %rsp, %rdi
    rep movsq
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7
    movq (6 + \number) * 8(%rbx), %xmm\number
    .endr
    mov 0 * 8(%rbx), %rdi
    mov 1 * 8(%rbx), %rsi
    mov 2 * 8(%rbx), %rdx
    mov 3 * 8(%rbx), %rcx
    mov 4 * 8(%rbx), %r8
    mov 5 * 8(%rbx), %r9
    mov 14 * 8(%rbx), %rax
    call *15 * 8(%rbx)
    mov %rax, 18 * 8(%rbx)
    mov %rdx, 19 * 8(%rbx)
    movq %xmm0, 20 * 8(%rbx)
    movq %xmm1, 21 * 8(%rbx)
    mov -8(%rbp), %rbx
    mov %rbp, %rsp
    pop %rbp
    ret
    .size call_with, . - call_with

    .section .note.GNU-stack, "", @progbits
