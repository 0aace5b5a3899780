"""Media as a messenger, a phone line or a screenshot would deliver them: arrays in, arrays out."""
