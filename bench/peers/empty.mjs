/** What a runtime costs that is asked for nothing. */
