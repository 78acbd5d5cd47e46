/* Uses next to nothing: the linker's --gc-sections should leave the rest out. */
#include <stdio.h>

#include <emnify.h>

int main(void) { return puts(emnify_version()) < 0; }
