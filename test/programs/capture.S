/*
 * Loads the processor with a whole state, jumps to a trampoline, and stores what arrives at its target.
 * Neither side needs the stack to find its memory, and the way back is not the stack that the trampoline was
 * given: nothing is touched but what the trampoline touches itself. On x86-64 neither side needs a register; on
 * arm64 the jump takes x17, and the target finds a place for x0 where threads have their own data's address.
 */
#if defined(__x86_64__)
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

#elif defined(__aarch64__)
    .set SP_AT, 31 * 8
    .set FLAGS, 33 * 8
    .set FPCR_AT, 34 * 8
    .set FPSR_AT, 34 * 8 + 4
    .set VECTORS, 35 * 8

    /* x1 to x30 but x17, from or to the state at x0. */
    .macro each_register do
    .irp number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30
    \do x\number, [x0, #8 * \number]
    .endr
    .endm
    /* From or to the memory at x1. */
    .macro load_vector number
    ldr q\number, [x1], #16
    .endm
    .macro store_vector number
    str q\number, [x1], #16
    .endm
    .macro each_vector do
    .irp number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \do \number
    .endr
    .endm
    .macro address register, symbol
    adrp \register, \symbol
    add \register, \register, :lo12:\symbol
    .endm

    .local driver
    .comm driver, 16, 8 /* the stack pointer, TPIDR_EL0 */
    .text

/* void capture_run(void): from capture_in to capture_out. */
    .globl capture_run
    .hidden capture_run
    .type capture_run, %function
capture_run:
    bti c
    stp x29, x30, [sp, #-176]!
    stp x19, x20, [sp, #16]
    stp x21, x22, [sp, #32]
    stp x23, x24, [sp, #48]
    stp x25, x26, [sp, #64]
    stp x27, x28, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mrs x1, fpcr
    str x1, [sp, #160]
    address x0, driver
    mov x1, sp
    mrs x2, tpidr_el0
    stp x1, x2, [x0]
    address x0, capture_in
    ldr w1, [x0, #FPCR_AT]
    msr fpcr, x1
    ldr w1, [x0, #FPSR_AT]
    msr fpsr, x1
    ldr x1, [x0, #FLAGS]
    msr nzcv, x1
    ldr x1, [x0, #SP_AT]
    mov sp, x1
    add x1, x0, #VECTORS
    each_vector load_vector
    each_register ldr
    ldr x17, [x0, #8 * 17]
    ldr x0, [x0]
    br x17
    .size capture_run, . - capture_run

/* What trampolines jump to. */
    .globl capture_target
    .type capture_target, %function
capture_target:
    bti c
    msr tpidr_el0, x0
    address x0, capture_out
    each_register str
    str x17, [x0, #8 * 17]
    mrs x1, tpidr_el0
    str x1, [x0]
    mov x1, sp
    str x1, [x0, #SP_AT]
    mrs x1, nzcv
    str x1, [x0, #FLAGS]
    mrs x1, fpcr
    str w1, [x0, #FPCR_AT]
    mrs x1, fpsr
    str w1, [x0, #FPSR_AT]
    add x1, x0, #VECTORS
    each_vector store_vector
    address x0, driver
    ldp x1, x2, [x0]
    mov sp, x1
    msr tpidr_el0, x2
    ldr x1, [sp, #160]
    msr fpcr, x1
    ldp d14, d15, [sp, #144]
    ldp d12, d13, [sp, #128]
    ldp d10, d11, [sp, #112]
    ldp d8, d9, [sp, #96]
    ldp x27, x28, [sp, #80]
    ldp x25, x26, [sp, #64]
    ldp x23, x24, [sp, #48]
    ldp x21, x22, [sp, #32]
    ldp x19, x20, [sp, #16]
    ldp x29, x30, [sp], #176
    ret
    .size capture_target, . - capture_target
#endif

    .section .note.GNU-stack, "", %progbits
