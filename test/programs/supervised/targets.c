/* A library of targets. */
unsigned long data = 0;

unsigned long twice(unsigned long value);
unsigned long twice(unsigned long value)
{
    return 2 * value;
}
