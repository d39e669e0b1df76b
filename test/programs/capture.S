/*
 * Loads the processor with a whole state, jumps to a trampoline, and stores what arrives at its target.
 * Neither side needs a register or the stack to find its memory, and the way back is not the stack that the
 * trampoline was given: nothing is touched but what the trampoline touches itself.
 */
    .set SP, 15 * 8
    .set ENTRY, 16 * 8
    .set FLAGS, 17 * 8
    .set MXCSR, 18 * 8
    .set X87, 18 * 8 + 4
    .set XMM, 19 * 8

    .macro each_register do
    \do rax, 0
    \do rbx, 1
    \do rcx, 2
    \do rdx, 3
    \do rsi, 4
    \do rdi, 5
    \do rbp, 6
    \do r8, 7
    \do r9, 8
    \do r10, 9
    \do r11, 10
    \do r12, 11
    \do r13, 12
    \do r14, 13
    \do r15, 14
    .endm
    .macro load name, index
    mov capture_in + 8 * \index(%rip), %\name
    .endm
    .macro store name, index
    mov %\name, capture_out + 8 * \index(%rip)
    .endm

    .macro each_vector do
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \do \number
    .endr
    .endm
    .macro load_vector number
    movups capture_in + XMM + 16 * \number(%rip), %xmm\number
    .endm
    .macro store_vector number
    movups %xmm\number, capture_out + XMM + 16 * \number(%rip)
    .endm

    .local driver_sp
    .comm driver_sp, 8, 8
    .text

/* void capture_run(void): from capture_in to capture_out. */
    .globl capture_run
    .hidden capture_run
    .type capture_run, @function
capture_run:
    endbr64
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    sub $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    mov %rsp, driver_sp(%rip)
    ldmxcsr capture_in + MXCSR(%rip)
    fldcw capture_in + X87(%rip)
    each_vector load_vector
    pushq capture_in + FLAGS(%rip)
    popfq
    each_register load
    mov capture_in + SP(%rip), %rsp
    jmp *capture_in + ENTRY(%rip)
    .size capture_run, . - capture_run

/* What trampolines jump to. */
    .globl capture_target
    .type capture_target, @function
capture_target:
    endbr64
    each_register store
    mov %rsp, capture_out + SP(%rip)
    mov driver_sp(%rip), %rsp
    pushfq
    popq capture_out + FLAGS(%rip)
    cld
    each_vector store_vector
    stmxcsr capture_out + MXCSR(%rip)
    fnstcw capture_out + X87(%rip)
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    add $8, %rsp
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
    ret
    .size capture_target, . - capture_target

    .section .note.GNU-stack, "", @progbits
