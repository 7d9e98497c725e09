import { render } from 'preact';
import { App } from './app.tsx';
import { stateIn } from './link.ts';
import './page.css';

// The token is in a cookie by now. What is left in the address is safe to be copied.
if (location.search !== '') history.replaceState(null, '', location.pathname + location.hash);

const root = document.querySelector('#app');
const shared = await stateIn(location.hash);
if (root !== null) render(<App shared={shared} />, root);
