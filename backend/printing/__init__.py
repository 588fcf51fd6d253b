"""What is printed: paper with our fonts, codes as pictures, labels on sheets, cards with enrolment codes."""
