"""Memory: recurrent networks give the last digit of a palindrome from the digits before it."""
