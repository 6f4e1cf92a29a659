"""Every claimed figure, measured again: `claims` says what is claimed, `rows` what was found, `page` writes it down."""
