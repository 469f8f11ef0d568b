// Greets whom it is told to: the node sample action.

function main({ name = 'stranger' }) {
  console.log(`greeting ${name}`);
  console.error('this line goes to stderr');
  return { greeting: `Hello, ${name}!` };
}
