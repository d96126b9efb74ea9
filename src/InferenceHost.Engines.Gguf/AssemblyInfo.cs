using System.Runtime.CompilerServices;

// Structs cross the border as they are, by value; no marshalling stubs.
[assembly: DisableRuntimeMarshalling]
