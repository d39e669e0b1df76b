/** An empty script, to measure the start-up of a runtime. */
