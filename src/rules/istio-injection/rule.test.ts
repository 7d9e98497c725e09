import { testRule } from '../../../test/support/rule-tester.ts';
import { istioInjection } from './rule.ts';

testRule(istioInjection, import.meta.dirname);
