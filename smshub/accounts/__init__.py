"""How people sign in and stay so: second factors, passkeys, sessions."""
